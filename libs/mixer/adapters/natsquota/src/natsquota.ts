import { createHash } from "node:crypto";
import {
  type Adapter,
  type AdapterHost,
  dimensionTexts,
  durationMs,
  type Handler,
  type HandlerContext,
  implementAdapter,
  type QuotaArgs,
  type QuotaInstance,
  type QuotaResult,
  type SharedTable,
  sameAsText,
} from "@xebec/mixer-sdk";
import type { Limit } from "./counter-state.ts";
import { type NatsQuota, type NatsquotaParams, natsquota } from "./info.ts";
import { SharedCounter } from "./shared-counter.ts";

/** How often counters that nobody uses any more are forgotten here: dimensions may come from requests. */
const SWEEP_MS = 60_000;

/** Makes the adapter. @param host has the table that all replicas share */
export function createAdapter({ shared }: Pick<AdapterHost, "shared">): Adapter {
  return implementAdapter(natsquota, (config, context) => new NatsQuotaHandler(config, context, shared("quotas")));
}

class NatsQuotaHandler implements Handler {
  readonly #quotas: ReadonlyMap<string, NatsQuota>;
  readonly #context: HandlerContext;
  readonly #table: SharedTable;
  readonly #rememberMs: number;
  readonly #counters = new Map<string, SharedCounter>();
  readonly #stop: () => void;

  constructor(config: NatsquotaParams, context: HandlerContext, table: SharedTable) {
    this.#quotas = new Map((config.quotas ?? []).map((each) => [each.name, each]));
    this.#context = context;
    this.#table = table;
    this.#rememberMs = durationMs(config.minDeduplicationDuration ?? "1s");
    this.#stop = context.clock.every(SWEEP_MS, () => this.#sweep());
  }

  quota(instance: QuotaInstance, args: QuotaArgs): QuotaResult | Promise<QuotaResult> {
    if (args.amount === 0) return { amount: 0, validMs: 0 };
    const limit = this.#limitOf(instance);
    const text = [this.#context.handler, instance.name, ...dimensionTexts(instance.dimensions)].join("\n");
    // Values of requests do not belong into keys; ids of requests are as long as their callers want.
    const key = createHash("sha256").update(text).digest("base64url");
    let counter = this.#counters.get(key);
    if (!counter) {
      counter = new SharedCounter(this.#table, key, () => this.#context.clock.now(), this.#rememberMs);
      this.#counters.set(key, counter);
    }
    const id = args.deduplicationId;
    const short = id === "" ? "" : createHash("sha256").update(id).digest("base64url").slice(0, 16);
    return counter.ask(limit, { ...args, deduplicationId: short });
  }

  close(): void {
    this.#stop();
  }

  #limitOf({ name, dimensions }: QuotaInstance): Limit {
    const quota = this.#quotas.get(name);
    if (!quota) throw new Error(`no quota is configured for ${name}`);
    const chosen =
      quota.overrides?.find(({ dimensions: wanted = {} }) =>
        Object.entries(wanted).every(([each, text]) => {
          const at = dimensions?.names.indexOf(each) ?? -1;
          return sameAsText(dimensions?.types[at], dimensions?.values[at], text);
        }),
      ) ?? quota;
    return {
      max: Number(chosen.maxAmount ?? 0),
      validMs: chosen.validDuration === undefined ? 0 : durationMs(chosen.validDuration),
    };
  }

  #sweep(): void {
    const now = this.#context.clock.now();
    for (const [key, counter] of this.#counters)
      if (counter.isIdle && now - counter.usedAt > SWEEP_MS) this.#counters.delete(key);
  }
}
