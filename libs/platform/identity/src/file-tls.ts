import { createPublicKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { parseCertificate, readPrivateKey } from "@xebec/model-pki";
import type { TlsMaterial, TlsSource } from "@xebec/platform-grpc";

const log = logger("identity");
/** How often the files are looked at, in milliseconds. Mounted secrets change by a symbolic link, which events miss. */
const LOOK_MS = 1_000;

/**
 * A key pair from files that somebody else rotates. A pair that does not fit (half of a rotation) is left aside until it does.
 * @param certFile the certificate followed by its intermediates, PEM
 * @param caFile roots of the clients; absent: no client certificate is asked for
 * @returns undefined when certificate or key is not named. Its `start` throws XebecError failed_precondition that names the file
 */
export function fileTls(
  certFile?: string,
  keyFile?: string,
  caFile?: string,
  lookMs = LOOK_MS,
): (Component & TlsSource) | undefined {
  return certFile && keyFile ? new FileTls(certFile, keyFile, caFile, lookMs) : undefined;
}

class FileTls implements Component, TlsSource {
  readonly name = "TLS files";
  readonly #files: readonly [string, string, ...string[]];
  readonly #lookMs: number;
  readonly #listeners = new Set<() => void>();
  #current: TlsMaterial | undefined;
  #seen = "";
  #validity: { readonly notBefore: number; readonly notAfter: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(certFile: string, keyFile: string, caFile: string | undefined, lookMs: number) {
    this.#files = caFile ? [certFile, keyFile, caFile] : [certFile, keyFile];
    this.#lookMs = lookMs;
  }

  async start(): Promise<void> {
    this.#seen = await this.#signature();
    this.#current = await this.#read();
    this.#again();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nobody who looks takes a certificate out of its time: that is not a state to be ready in. */
  missing(): readonly string[] {
    const { notBefore = 0, notAfter = Number.POSITIVE_INFINITY } = this.#validity ?? {};
    const [file] = this.#files;
    const now = Date.now();
    if (now < notBefore) return [`the certificate ${file} is not valid before ${new Date(notBefore).toISOString()}`];
    return now > notAfter ? [`the certificate ${file} has expired at ${new Date(notAfter).toISOString()}`] : [];
  }

  current(): TlsMaterial {
    if (!this.#current) throw new XebecError("failed_precondition", `${this.#files[0]} was not read yet`);
    return this.#current;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  #again(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#lookMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      const seen = await this.#signature();
      if (seen !== this.#seen) {
        const next = await this.#read();
        this.#seen = seen;
        this.#current = next;
        for (const changed of [...this.#listeners]) changed();
        log.info({ file: this.#files[0] }, "the key pair was read again");
      }
    } catch (error) {
      log.warn({ err: error }, "the new key pair is not usable yet; the old one stays");
    }
    if (this.#timer) this.#again();
  }

  async #signature(): Promise<string> {
    const stats = await Promise.all(this.#files.map((file) => guarded(file, stat(file))));
    return stats.map(({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`).join(" ");
  }

  async #read(): Promise<TlsMaterial> {
    const [cert = "", key = "", ca] = await Promise.all(
      this.#files.map((file) => guarded(file, readFile(file, "utf8"))),
    );
    const { x509, notBefore, notAfter } = parseCertificate(cert, this.#files[0]);
    if (!x509.publicKey.equals(createPublicKey(readPrivateKey(key, this.#files[1]))))
      throw new XebecError("failed_precondition", `${this.#files[1]} is not the key of ${this.#files[0]}`);
    this.#validity = { notBefore, notAfter };
    return { cert, key, ...(ca === undefined ? {} : { ca }) };
  }
}

async function guarded<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new XebecError("failed_precondition", `${file} cannot be read`, { cause: error });
  }
}
