import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { TlsMaterial, TlsSource } from "@xebec/platform-grpc";
import type { BundleKeeper } from "./bundle-keeper.ts";
import { areAmong, rootsOf } from "./ca-bundle.ts";

const log = logger("webhook");

export interface PublishTimes {
  /** How long API servers may take to follow their own objects, in milliseconds. */
  readonly settleMs: number;
  /** The new certificate is served after this in any case: the old one ends some time. */
  readonly latestMs: number;
}

export const PUBLISH_TIMES: PublishTimes = { settleMs: 2_000, latestMs: 30_000 };

/**
 * Serves a certificate whose root is new only when the API server has that root, so that no admission fails while a root is replaced. A
 * certificate of a root that is known already is served at once.
 *
 * | State | What is served | Leaves it |
 * |---|---|---|
 * | settled | the source's certificate | the source has one of another root |
 * | publishing | the earlier one | every webhook trusts the new root, and `settleMs` are over; or `latestMs` |
 */
export function createPublishedTls(
  source: TlsSource,
  keeper: Pick<BundleKeeper, "trusts" | "add" | "onChange">,
  times: PublishTimes = PUBLISH_TIMES,
): Component & TlsSource {
  return new PublishedTls(source, keeper, times);
}

class PublishedTls implements Component, TlsSource {
  readonly name = "published certificate";
  readonly requireClientCertificate?: boolean;
  readonly #source: TlsSource;
  readonly #keeper: Pick<BundleKeeper, "trusts" | "add" | "onChange">;
  readonly #times: PublishTimes;
  readonly #listeners = new Set<() => void>();
  #served: TlsMaterial | undefined;
  #ends: (() => void)[] = [];
  #settling: NodeJS.Timeout | undefined;
  #latest: NodeJS.Timeout | undefined;

  constructor(source: TlsSource, keeper: Pick<BundleKeeper, "trusts" | "add" | "onChange">, times: PublishTimes) {
    this.#source = source;
    this.#keeper = keeper;
    this.#times = times;
    if (source.requireClientCertificate !== undefined) this.requireClientCertificate = source.requireClientCertificate;
  }

  async start(): Promise<void> {
    this.#served = this.#source.current();
    this.#ends = [this.#source.onChange(() => this.#look()), this.#keeper.onChange(() => this.#look())];
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    this.#clear();
  }

  current(): TlsMaterial {
    return this.#served ?? this.#source.current();
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  #look(): void {
    const next = this.#source.current();
    const served = this.current();
    if (next.cert === served.cert) return;
    const [roots, known] = [rootsOf(next), rootsOf(served)];
    // Nobody trusts a throw-away certificate, and nothing is to be written for one that stands under the same roots.
    if (known.length === 0 || areAmong(roots, known)) {
      this.#serve();
      return;
    }
    this.#keeper.add(roots);
    this.#latest ??= setTimeout(() => {
      log.warn("the webhook takes its new certificate, although API servers may not trust its root yet");
      this.#serve();
    }, this.#times.latestMs);
    this.#latest.unref();
    if (this.#keeper.trusts(roots) !== true) return;
    this.#settling ??= setTimeout(() => this.#serve(), this.#times.settleMs);
    this.#settling.unref();
  }

  #serve(): void {
    this.#clear();
    this.#served = this.#source.current();
    for (const each of [...this.#listeners]) each();
  }

  #clear(): void {
    clearTimeout(this.#settling);
    clearTimeout(this.#latest);
    this.#settling = undefined;
    this.#latest = undefined;
  }
}
