import { chmodSync, copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { GUEST_KERNEL } from "../../scripts/paths.mjs";
import { LIGHTER, runProgram } from "../harness/program.ts";

/** A machine of this size boots, emulated, in some 10 seconds, and in as many more when others are at work. */
const MEMORY_MIB = 2048;
const DEADLINE_MS = 240_000;
const COMMANDS = ["sh", "cat", "cp", "echo", "find", "insmod", "mkdir", "mount", "poweroff", "sleep", "switch_root"];

/**
 * Runs a shell script as root of a virtual machine with a kernel that knows cgroup v2 alone, busybox and `lighter`, and
 * returns what it printed. The machine has no network and no disk, and is gone afterwards.
 */
export async function runInGuest(script: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "lighter-guest-"));
  try {
    await layOut(join(directory, "root"), script);
    const pack = "find . | cpio --create --format=newc --quiet | gzip -1 > ../initrd.gz";
    await run(["sh", "-c", `cd root && ${pack}`], directory);
    return await boot(join(directory, "initrd.gz"), directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function layOut(root: string, script: string): Promise<void> {
  for (const name of ["bin", "modules", "etc"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const command of COMMANDS) symlinkSync("busybox", join(root, "bin", command));
  const [program = ""] = LIGHTER;
  copyFileSync(program, join(root, "bin/lighter"));
  for (const library of await librariesOf(program)) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  copyFileSync(kernelFile("lib/modules/*/kernel/fs/overlayfs/overlay.ko*"), join(root, "modules/overlay.ko"));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeScript(join(root, "init"), LEAVE_RAMFS);
  writeScript(join(root, "start"), PREPARE);
  writeScript(join(root, "script"), script);
}

/** The kernel's first file system cannot be the old root of pivot_root(2): everything moves to a mounted one. */
const LEAVE_RAMFS = `
mkdir /new && mount -t tmpfs -o size=80% tmpfs /new
cp -a /bin /lib* /etc /modules /start /script /new/
exec switch_root /new /start
`;

const PREPARE = `
mkdir -p /proc /sys /dev /run /tmp /var/lib
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
insmod /modules/overlay.ko
sh /script 2>&1
poweroff -f
`;

function writeScript(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\nexport PATH=/bin HOME=/\n${text}`);
  chmodSync(path, 0o755);
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run(["ldd", program], "/");
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

function kernelFile(pattern: string): string {
  const [path] = globSync(join(GUEST_KERNEL, pattern));
  if (path === undefined) throw new Error(`no ${basename(pattern)} in ${GUEST_KERNEL}: npm test provides it`);
  return path;
}

async function boot(initrd: string, cwd: string): Promise<string> {
  const machine = ["-M", "q35", "-cpu", "max", "-smp", "2", "-m", String(MEMORY_MIB), "-net", "none", "-no-reboot"];
  const kernel = ["-kernel", kernelFile("boot/vmlinuz-*"), "-initrd", initrd];
  const append = ["-append", "console=ttyS0 quiet panic=-1 cgroup_no_v1=all"];
  const { stdout } = await run(["qemu-system-x86_64", ...machine, "-nographic", ...kernel, ...append], cwd);
  return stdout.replaceAll("\r\n", "\n");
}

async function run(command: readonly string[], cwd: string) {
  const output = await runProgram(command, { env: process.env, cwd, timeoutMs: DEADLINE_MS });
  if (output.exitCode !== 0)
    throw new Error(`${command[0]}: exit code ${output.exitCode}\n${output.stdout}${output.stderr}`);
  return output;
}
