import {
  type Adapter,
  dimensionTexts,
  durationMs,
  type Handler,
  implementAdapter,
  type QuotaArgs,
  type QuotaInstance,
  type QuotaResult,
  sameAsText,
  type ValueMap,
} from "@xebec/mixer-sdk";
import { type MemquotaParams, memquota } from "./info.ts";
import { RollingWindow } from "./rolling-window.ts";

/** Makes the adapter (docs/reference/mixer.md §6.3). */
export function createAdapter(): Adapter {
  return implementAdapter(memquota, (config, { clock }) => {
    const counter = new QuotaCounter(config, () => clock.now());
    const stopAging = clock.every(durationMs(config.minDeduplicationDuration ?? "1s"), () =>
      counter.ageDeduplication(),
    );
    const stopSweep = clock.every(SWEEP_MS, () => counter.dropIdle());
    const close = (): void => {
      stopAging();
      stopSweep();
    };
    return { quota: (instance, args) => counter.ask(instance, args), close } satisfies Handler;
  });
}

/** How often windows that nobody uses any more are forgotten: dimensions may come from requests. */
const SWEEP_MS = 60_000;

interface Limit {
  readonly max: number;
  /** 0: units are held until they are given back. */
  readonly validMs: number;
}

interface Remembered extends QuotaResult {
  readonly expires: number;
}

class QuotaCounter {
  readonly #quotas: Map<string, NonNullable<MemquotaParams["quotas"]>[number]>;
  readonly #now: () => number;
  readonly #held = new Map<string, number>();
  readonly #windows = new Map<string, RollingWindow>();
  #recent = new Map<string, Remembered>();
  #old = new Map<string, Remembered>();

  constructor(config: MemquotaParams, now: () => number) {
    this.#quotas = new Map((config.quotas ?? []).map((each) => [each.name, each]));
    this.#now = now;
  }

  /** Answers are remembered for one to two periods. */
  ageDeduplication(): void {
    this.#old = this.#recent;
    this.#recent = new Map();
  }

  /** Forgets windows from which nothing is taken. */
  dropIdle(): void {
    const tick = RollingWindow.tickOf(this.#now());
    for (const [key, window] of this.#windows) if (window.isFree(tick)) this.#windows.delete(key);
  }

  ask(instance: QuotaInstance, { amount, bestEffort, deduplicationId }: QuotaArgs): QuotaResult {
    if (amount === 0) return { amount: 0, validMs: 0 };
    const now = this.#now();
    const known = this.#recent.get(deduplicationId) ?? this.#old.get(deduplicationId);
    if (known) return { amount: known.amount, validMs: Math.min(known.validMs, Math.max(0, known.expires - now)) };
    const limit = this.#limitOf(instance);
    const key = `${instance.name};${dimensionTexts(instance.dimensions).join(";")}`;
    const result =
      limit.validMs === 0 ? this.#hold(key, limit, amount, bestEffort) : this.#rate(key, limit, amount, bestEffort);
    this.#recent.set(deduplicationId, { ...result, expires: now + result.validMs });
    return result;
  }

  #limitOf({ name, dimensions }: QuotaInstance): Limit {
    const quota = this.#quotas.get(name);
    if (!quota) throw new Error(`no quota is configured for ${name}`);
    const chosen = quota.overrides?.find((each) => matches(each.dimensions ?? {}, dimensions)) ?? quota;
    return { max: chosen.maxAmount ?? 0, validMs: chosen.validDuration ? durationMs(chosen.validDuration) : 0 };
  }

  #hold(key: string, { max }: Limit, amount: number, bestEffort: boolean): QuotaResult {
    const used = this.#held.get(key) ?? 0;
    if (amount < 0) {
      const freed = Math.min(used, -amount);
      if (freed === used) this.#held.delete(key);
      else this.#held.set(key, used - freed);
      return { amount: freed, validMs: 0 };
    }
    const left = Math.max(0, max - used);
    const granted = amount <= left ? amount : bestEffort ? left : 0;
    if (granted > 0) this.#held.set(key, used + granted);
    return { amount: granted, validMs: 0 };
  }

  #rate(key: string, { max, validMs }: Limit, amount: number, bestEffort: boolean): QuotaResult {
    const tick = RollingWindow.tickOf(this.#now());
    let window = this.#windows.get(key);
    if (amount < 0) {
      const freed = window?.give(-amount, tick) ?? 0;
      if (window?.isFree(tick)) this.#windows.delete(key);
      return { amount: freed, validMs: 0 };
    }
    if (!window) {
      window = new RollingWindow(max, validMs / 1000, tick);
      this.#windows.set(key, window);
    }
    const granted = window.take(amount, bestEffort, tick);
    // What is granted as far as there is something left holds as long as the window, also when it is nothing.
    return { amount: granted, validMs: granted > 0 || bestEffort ? validMs : 0 };
  }
}

/** Whether an instance has all dimensions of an override, each equal to its text. */
function matches(wanted: Readonly<Record<string, string>>, dimensions: ValueMap | undefined): boolean {
  return Object.entries(wanted).every(([name, text]) => {
    const at = dimensions?.names.indexOf(name) ?? -1;
    return sameAsText(dimensions?.types[at], dimensions?.values[at], text);
  });
}
