import { readFileSync, statSync } from "node:fs";
import { logger } from "@xebec/core-log";
import { splitCertificates } from "@xebec/model-pki";

const log = logger("sds");
/** The bundle of the system, by distribution. */
const SYSTEM = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

export interface RootFile {
  /** The bundle, PEM; undefined until there is one. */
  readonly text: string | undefined;
  close(): void;
}

/**
 * Looks after a file with trusted roots; a file that is missing or holds no certificate leaves the last good content.
 * @param path the file, or `system`
 */
export function readRootFile(path: string, lookMs: number, changed: () => void): RootFile {
  let text: string | undefined;
  let seen = "";
  const look = (): boolean => {
    try {
      const file = path === "system" ? SYSTEM.find((each) => statSync(each, { throwIfNoEntry: false })) : path;
      if (file === undefined) return false;
      const { mtimeMs, size, ino } = statSync(file);
      const now = `${ino}:${size}:${mtimeMs}`;
      if (now === seen) return false;
      seen = now;
      const next = readFileSync(file, "utf8");
      if (splitCertificates(next).length === 0 || next === text) return false;
      text = next;
      return true;
    } catch (error) {
      if (seen !== "missing") log.warn({ err: error, file: path }, "a file with roots cannot be read");
      seen = "missing";
      return false;
    }
  };
  look();
  const timer = setInterval(() => {
    if (look()) changed();
  }, lookMs);
  timer.unref();
  return {
    get text() {
      return text;
    },
    close: () => clearInterval(timer),
  };
}
