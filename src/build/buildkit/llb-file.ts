import { fail } from "../../base/errors.ts";
import type { FileChange, FileOperation, Owner } from "../graph/operation.ts";
import type { ChownOpt, FileAction, FileActionCopy, FileOp, UserOpt } from "./proto/ops_pb.ts";

export function fileOperation({ actions }: FileOp): FileOperation {
  if (actions.length === 0) fail("invalid", "LLB_FILE", "a file operation of the build graph does nothing");
  return {
    kind: "file",
    actions: actions.map((action) => ({
      input: Number(action.input),
      secondaryInput: Number(action.secondaryInput),
      output: Number(action.output),
      change: changeOf(action),
    })),
  };
}

function changeOf({ action }: FileAction): FileChange {
  switch (action.case) {
    case "copy":
      return copyOf(action.value);
    case "mkfile": {
      const { path, mode, data, owner } = action.value;
      return { type: "mkfile", path, mode, data, owner: ownerOf(owner) };
    }
    case "mkdir": {
      const { path, mode, makeParents, owner } = action.value;
      return { type: "mkdir", path, mode, makeParents, owner: ownerOf(owner) };
    }
    case "rm": {
      const { path, allowNotFound, allowWildcard } = action.value;
      return { type: "rm", path, allowNotFound, allowWildcard };
    }
    case "symlink": {
      const { oldpath, newpath, owner } = action.value;
      return { type: "symlink", oldPath: oldpath, newPath: newpath, owner: ownerOf(owner) };
    }
    default:
      return fail("not-implemented", "LLB_FILE", "the build graph has a file operation that is not supported");
  }
}

function copyOf(copy: FileActionCopy): FileChange {
  return {
    type: "copy",
    source: copy.src,
    destination: copy.dest,
    owner: ownerOf(copy.owner),
    mode: copy.modeStr || (copy.mode >= 0 ? copy.mode.toString(8) : null),
    followSymlink: copy.followSymlink,
    directoryContents: copy.dirCopyContents,
    attemptUnpack: copy.attemptUnpackDockerCompatibility,
    createDestinationPath: copy.createDestPath,
    allowWildcard: copy.allowWildcard,
    allowEmptyWildcard: copy.allowEmptyWildcard,
    include: copy.includePatterns,
    exclude: copy.excludePatterns,
    parents: false,
    replaceDestination: copy.alwaysReplaceExistingDestPaths,
  };
}

/** `user:group`, each a name or a number; who is not named is root. */
function ownerOf(owner: ChownOpt | undefined): Owner | null {
  if (!owner?.user && !owner?.group) return null;
  return `${idOf(owner.user)}:${idOf(owner.group)}`;
}

function idOf(option: UserOpt | undefined): string {
  switch (option?.user.case) {
    case "byName":
      return option.user.value.name;
    case "byID":
      return String(option.user.value);
    default:
      return "0";
  }
}
