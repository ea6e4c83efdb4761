import { statSync } from "node:fs";
import { copyFile, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";

const log = logger("local");

/** Every so many rounds the whole folder is looked at. */
const WHOLE_ROUND = 60;

export interface RotateLogsOptions {
  /** A log that is larger is put aside as `<name>.1`, in bytes (16 MiB). */
  readonly maxBytes?: number;
  /** How often to look, in milliseconds (10 s). */
  readonly everyMs?: number;
  /** A log that nobody has written to for this long is removed unless it is in use, in milliseconds (7 days). */
  readonly keepMs?: number;
}

/**
 * Keeps a folder of logs small. Processes write to their logs directly and append, so a log is copied and then cut to nothing:
 * nobody has to open it again, and lines that are written in between are lost.
 * @param used the logs of what runs now
 * @returns ends that
 */
export function rotateLogs(
  folder: string,
  used: () => ReadonlySet<string>,
  { maxBytes = 16 << 20, everyMs = 10_000, keepMs = 7 * 86_400_000 }: RotateLogsOptions = {},
): () => void {
  let rounds = 0;
  const look = new Coalescer(async () => {
    const inUse = used();
    // Logs that nobody writes to do not grow, and may be many: all are looked at now and then only.
    const whole = rounds++ % WHOLE_ROUND === 0;
    const paths = whole ? (await readdir(folder)).map((name) => join(folder, name)) : inUse;
    for (const path of paths) {
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found) continue;
      const { size, mtimeMs } = found;
      if (path.endsWith(".log") && size > maxBytes) {
        await copyFile(path, `${path}.1`);
        await truncate(path);
      }
      if (!inUse.has(path.replace(/\.1$/, "")) && Date.now() - mtimeMs > keepMs) await rm(path, { force: true });
    }
  });
  const attempt = (): void =>
    void look.request().catch((error: unknown) => log.warn({ err: error, folder }, "the logs could not be kept small"));
  attempt();
  const timer = setInterval(attempt, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
