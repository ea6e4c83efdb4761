import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { dirname, isAbsolute, join, normalize, relative, sep } from "node:path";
import { XebecError } from "@xebec/core-errors";

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/**
 * Says what is wrong with a path that configuration names for a file to write.
 * @param directories below which such files may be
 * @returns a clause; undefined when nothing is wrong
 */
export function confinementError(path: string, directories: readonly string[]): string | undefined {
  if (directories.length === 0) return "no directory is open to files of handlers";
  if (path.includes("\0") || !isAbsolute(path)) return `${JSON.stringify(path)} is not an absolute path`;
  const plain = normalize(path);
  if (plain.endsWith(sep)) return `${path} is a directory`;
  return directories.some((each) => isBelow(plain, normalize(each)))
    ? undefined
    : `${path} is not below ${directories.join(" or ")}`;
}

/**
 * Opens a file to append to, in a directory below one of those that are allowed, also when links lead elsewhere: directories are made only
 * where the real path is allowed, the file itself must be no link, and what was opened is looked at once more. Readable by its owner
 * only.
 * @returns its file descriptor
 * @throws XebecError permission_denied for what is outside or no plain file; Error of the system for everything else
 */
export function openConfined(path: string, directories: readonly string[]): number {
  const error = confinementError(path, directories);
  if (error !== undefined) throw new XebecError("permission_denied", error);
  const plain = normalize(path);
  const roots = directories.flatMap((each) => (existsSync(each) ? [realpathSync(each)] : [normalize(each)]));
  const check = (real: string): void => {
    if (!roots.some((root) => isBelow(real, root) || real === root))
      throw new XebecError(
        "permission_denied",
        `${path} leads to ${real}, which is not below ${directories.join(" or ")}`,
      );
  };
  const folder = dirname(plain);
  check(realOf(folder));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const real = realpathSync(folder);
  check(real);
  const file = join(real, plain.slice(folder.length + 1));
  // A pipe that nobody reads would keep the whole service waiting.
  const fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(fd).isFile()) throw new XebecError("permission_denied", `${path} is not a plain file`);
    const link = `/proc/self/fd/${fd}`;
    if (existsSync(link)) check(dirname(readlinkSync(link)));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The real path of a directory that may not exist yet: of its nearest ancestor that does, and the rest. */
function realOf(folder: string): string {
  const rest: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    // Not existsSync: a link to nothing would be followed by whoever makes the directory.
    if (lstatSync(at, { throwIfNoEntry: false })) return join(realpathSync(at), ...rest);
    rest.unshift(at.slice(dirname(at).length).replace(/^\//, ""));
  }
}

function isBelow(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
