import { readFileSync, statSync } from "node:fs";
import { logger } from "@xebec/core-log";
import { splitCertificates } from "@xebec/model-pki";

const log = logger("sds");
/** The bundle of the system, by distribution. */
const SYSTEM = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/** A whole list: a writer may be in the middle of it. */
const LIST = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/;

export interface PemFile {
  /** PEM; undefined until there is some. */
  readonly text: string | undefined;
  close(): void;
}

/**
 * Looks after a file with trusted roots; a file that is missing or holds no certificate leaves the last good content.
 * @param path the file, or `system`
 */
export function readRootFile(path: string, lookMs: number, changed: () => void): PemFile {
  const find = () => (path === "system" ? SYSTEM.find((each) => statSync(each, { throwIfNoEntry: false })) : path);
  return readPemFile(find, (text) => splitCertificates(text).length > 0, lookMs, changed);
}

/** Looks after a file with lists of revoked certificates; a file that is missing or holds no list leaves the last good content. */
export function readRevocations(path: string, lookMs: number, changed: () => void): PemFile {
  return readPemFile(
    () => path,
    (text) => LIST.test(text),
    lookMs,
    changed,
  );
}

function readPemFile(
  find: () => string | undefined,
  isGood: (text: string) => boolean,
  lookMs: number,
  changed: () => void,
): PemFile {
  let text: string | undefined;
  let seen = "";
  const look = (): boolean => {
    try {
      const file = find();
      if (file === undefined) return false;
      const { mtimeMs, size, ino } = statSync(file);
      const now = `${ino}:${size}:${mtimeMs}`;
      if (now === seen) return false;
      seen = now;
      const next = readFileSync(file, "utf8");
      if (next === text) return false;
      if (!isGood(next)) {
        log.warn({ file }, "a file has nothing that can be used: what was read before stays");
        return false;
      }
      text = next;
      return true;
    } catch (error) {
      if (seen !== "missing")
        log.warn({ err: error, file: find() }, "a file with roots or revoked certificates cannot be read");
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
