import { fail } from "../base/errors.ts";
import type { Wire } from "./network-record.ts";

const PARENT_OPTION = "parent";

/** MACVLAN_MODE_* and IPVLAN_MODE_* of linux/if_link.h; the first is Docker's default. */
const MODES: Readonly<Record<Wire["kind"], Readonly<Record<string, number>>>> = {
  macvlan: { bridge: 4, private: 1, vepa: 2, passthru: 8 },
  ipvlan: { l2: 0, l3: 1, l3s: 2 },
};

/**
 * Checks what a client wants of a network on one of the host's links (`-o parent=eth0`, `-o macvlan_mode=private`).
 * @throws invalid in Docker's words; not-implemented `NO_PARENT` without a parent, for which Docker makes one up.
 */
export function parseWire(
  kind: Wire["kind"],
  options: Readonly<Record<string, string>>,
): Pick<Wire, "kind" | "parent" | "mode"> {
  const parent = parseLinkName(PARENT_OPTION, options[PARENT_OPTION]);
  if (parent === null) {
    fail("not-implemented", "NO_PARENT", `a ${kind} network needs a link of the host's: name it with -o parent=LINK`);
  }
  const flag = options.ipvlan_flag;
  if (flag !== undefined && flag !== "bridge") {
    fail("not-implemented", "IPVLAN_FLAG", `the ipvlan flag ${flag} is not supported: leave -o ipvlan_flag out`);
  }
  const modes = MODES[kind];
  const [standard = 0] = Object.values(modes);
  const name = options[`${kind}_mode`];
  const mode = name === undefined || name === "" ? standard : modes[name];
  if (mode === undefined) {
    fail(
      "invalid",
      "INVALID_NETWORK_OPTION",
      `requested ${kind} mode '${name}' is not valid, 'bridge' mode is the ${kind} driver default`,
    );
  }
  return { kind, parent, mode };
}

/** What the kernel takes (dev_valid_name), less what would have to be quoted. @throws invalid `INVALID_LINK_NAME` */
export function parseLinkName(option: string, name: string | undefined): string | null {
  if (name === undefined || name === "") return null;
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) return name;
  return fail(
    "invalid",
    "INVALID_LINK_NAME",
    `invalid ${option} "${name}": a link's name has 1 to 15 of the characters [a-zA-Z0-9_.-]`,
  );
}
