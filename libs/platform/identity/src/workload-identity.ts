import { backoff, isAbort, sleep, watchClock } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import type { KeyType, SubjectNames } from "@xebec/model-pki";
import type { TlsMaterial, TlsSource } from "@xebec/platform-grpc";
import { mismatch, tokenSubject } from "./expected-identity.ts";
import { loadIdentity, type StoredIdentity, saveIdentity } from "./identity-store.ts";
import { requestCertificate } from "./request-certificate.ts";
import { makePlaceholder } from "./throw-away.ts";

export interface WorkloadIdentityOptions {
  /** Citadel, `HOST:PORT`; its certificate must name the host. */
  readonly caAddress: string;
  /** Roots to verify citadel with, PEM file; read anew at each attempt, as the token is. */
  readonly caRootFile: string;
  readonly tokenFile?: string | undefined;
  /** P-256 by default. */
  readonly keyType?: KeyType;
  /** Lifetime to ask for, in milliseconds (24 h). */
  readonly ttlMs?: number;
  /** Folder that keeps the identity for the next process; absent: it is kept in memory only. */
  readonly storeDir?: string | undefined;
  /** The SPIFFE ID that citadel is expected to sign; a stored identity that is another one, or not the token's, is not used. */
  readonly spiffeId?: string | undefined;
  /** Names to ask for beside the authenticated identity. */
  readonly names?: Partial<SubjectNames>;
  readonly metrics?: Metrics;
}

/** An identity that citadel signs, kept valid. */
export interface WorkloadIdentity extends Component, TlsSource {
  /** The identity, or undefined until citadel signed the first one. */
  readonly identity: StoredIdentity | undefined;
  /** Takes the next one now, for example because the trusted roots have changed. */
  renew(): void;
}

const log = logger("identity");
const DAY_MS = 86_400_000;
const RETRY = { baseMs: 100, maxMs: 5_000 };
/** How soon after a certificate the next one may be asked for, in milliseconds, however short it is. */
const SHORTEST_PAUSE_MS = 1_000;
/** The longest time that a timer takes, in milliseconds. */
const LONGEST_SLEEP_MS = 0x7fff_ffff;

/**
 * Keeps a key pair that citadel signed: asks for it in the background, renews it at half of its lifetime and when the clock was
 * set, tries again while citadel is away, and keeps it on disk so that a restart serves at once. `start` does not wait for
 * citadel; until there is an identity `current()` gives a throw-away certificate that nobody trusts, and `missing()` says what is
 * wrong.
 */
export function createWorkloadIdentity(options: WorkloadIdentityOptions): WorkloadIdentity {
  return new SignedIdentity(options);
}

class SignedIdentity implements WorkloadIdentity {
  readonly name = "identity";
  readonly #options: WorkloadIdentityOptions;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #failures;
  #wake = new AbortController();
  #asked = false;
  #unwatch: (() => void) | undefined;
  #identity: StoredIdentity | undefined;
  /** The last roots that citadel named: those in the file may be older. */
  #roots = "";
  #placeholder: TlsMaterial | undefined;
  #lastError = "citadel was not asked yet";
  #running: Promise<void> | undefined;

  constructor(options: WorkloadIdentityOptions) {
    this.#options = options;
    const metrics = options.metrics ?? createMetrics();
    this.#failures = metrics.counter(
      "xebec_identity_renewal_failures_total",
      "Attempts to get a certificate that failed, by status.",
      ["code"],
    );
    metrics.gauge(
      "xebec_identity_expiry_timestamp",
      "End of the certificate, seconds since 1970; 0 without one.",
      [],
      () => Math.floor((this.#identity?.notAfter ?? 0) / 1_000),
    );
  }

  get identity(): StoredIdentity | undefined {
    return this.#identity;
  }

  async start(): Promise<void> {
    const { storeDir } = this.#options;
    if (storeDir) await this.#restore(storeDir);
    this.#unwatch = watchClock(() => this.renew());
    this.#running = this.#renewForever();
  }

  async #restore(storeDir: string): Promise<void> {
    const { spiffeId, tokenFile } = this.#options;
    const subject = tokenFile ? await tokenSubject(tokenFile) : undefined;
    const { identity, roots = "" } = await loadIdentity(storeDir, Date.now(), (found) =>
      mismatch(found, { spiffeId, subject }),
    );
    this.#identity = identity;
    this.#roots = roots;
  }

  missing(): readonly string[] {
    const { notAfter = 0 } = this.#identity ?? {};
    if (notAfter > Date.now()) return [];
    return [`${this.#identity ? "the certificate has expired" : "no certificate yet"}: ${this.#lastError}`];
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  current(): TlsMaterial {
    const identity = this.#identity;
    if (identity) return { cert: identity.cert, key: identity.key, ca: identity.roots };
    this.#placeholder ??= makePlaceholder();
    return this.#placeholder;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  renew(): void {
    this.#asked = true;
    this.#wake.abort();
  }

  async #renewForever(): Promise<void> {
    let due = this.#identity ? renewalTime(this.#identity) : 0;
    let failed = 0;
    while (!this.#stop.signal.aborted) {
      const wait = due - Date.now();
      if (wait > 0 && !this.#asked) {
        this.#wake = new AbortController();
        await sleep(Math.min(wait, LONGEST_SLEEP_MS), this.#wake.signal);
        continue;
      }
      this.#asked = false;
      try {
        due = Math.max(renewalTime(await this.#request()), Date.now() + SHORTEST_PAUSE_MS);
        failed = 0;
      } catch (error) {
        if (this.#stop.signal.aborted || isAbort(error)) return;
        const reason = XebecError.from(error);
        this.#lastError = reason.message;
        this.#failures.inc({ code: reason.code });
        log[failed % 20 === 0 ? "warn" : "debug"]({ err: error }, "citadel gave no certificate; trying again");
        due = 0;
        await sleep(backoff(failed++, RETRY), this.#stop.signal);
      }
    }
  }

  async #request(): Promise<StoredIdentity> {
    const { caAddress, caRootFile, tokenFile, keyType = "P-256", ttlMs = DAY_MS, names = {}, storeDir } = this.#options;
    const previous = this.#identity && this.#identity.notAfter > Date.now() ? this.#identity : undefined;
    const order = { caAddress, caRootFile, tokenFile, keyType, ttlMs, names, previous, roots: this.#roots };
    let next: StoredIdentity;
    try {
      next = await requestCertificate(order, this.#stop.signal);
    } catch (error) {
      // The old certificate may be revoked or of a root that is gone; a token is a second way.
      if (!previous || !tokenFile || this.#stop.signal.aborted) throw error;
      next = await requestCertificate({ ...order, previous: undefined }, this.#stop.signal);
    }
    if (storeDir)
      await saveIdentity(storeDir, next).catch((error: unknown) =>
        log.error({ err: error }, "the identity cannot be kept on disk; a restart will need citadel"),
      );
    this.#identity = next;
    this.#roots = next.roots;
    for (const changed of [...this.#listeners]) changed();
    log.info({ notAfter: new Date(next.notAfter).toISOString() }, "citadel signed a certificate");
    return next;
  }
}

/** Half of the lifetime, up to a twentieth earlier so that workloads that began together do not renew together. */
function renewalTime({ issuedAt, notAfter }: StoredIdentity): number {
  return issuedAt + (notAfter - issuedAt) * (0.5 - Math.random() / 20);
}
