import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, rename, rm, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { XebecError } from "@xebec/core-errors";

export interface WriteOptions {
  /** Permission bits (0o600: who may read what a service keeps is its owner's to say). */
  readonly mode?: number;
  /** Flush to the disk before the file takes its name (true). */
  readonly sync?: boolean;
}

/**
 * Writes a file so that a reader sees the old content or the new one, never a part, also when the process or the machine
 * stops in between: a temporary file in the same folder, fsync, rename. Missing folders are made, for their owner only.
 * @param content whole, or in blocks that are asked for one after the other
 * @throws XebecError unavailable that names the file
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  { mode = 0o600, sync = true }: WriteOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    // The umask may have taken bits away.
    await chmod(temporary, mode);
    await rename(temporary, path);
    if (sync) await syncFolder(dirname(path));
  } catch (error) {
    // What hinders the removal, too, hindered the write before: that is the error to report.
    await unlink(temporary).catch(() => {});
    throw new XebecError("unavailable", `${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** Removes a file; one that does not exist is not an error. @throws XebecError unavailable that names the file */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw new XebecError("unavailable", `${path} cannot be removed: ${(error as Error).message}`, { cause: error });
  }
}

/** Writes a private key or another secret: mode 0600 from its first moment on. */
export function writeKeyFile(path: string, content: string | Uint8Array): Promise<void> {
  return writeFileAtomic(path, content, { mode: 0o600 });
}

// A rename survives a power failure only when its folder was flushed.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
