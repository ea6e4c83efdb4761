import {
  type Adapter,
  type AdapterHost,
  type CheckResult,
  durationMs,
  formatIp,
  type Handler,
  implementAdapter,
  type ListEntryInstance,
  RPC,
} from "@xebec/mixer-sdk";
import { guardedGet } from "@xebec/platform-http/guarded";
import { listchecker } from "./info.ts";
import { type EntryList, listOf } from "./lists.ts";
import { type Fetch, ProvidedList } from "./provider.ts";

/**
 * Makes the adapter (docs/reference/mixer.md §6.2).
 * @param host its limits say which addresses a list may come from
 * @param fetch how a list is fetched; a test gives its own
 */
export function createAdapter({ limits }: Pick<AdapterHost, "limits">, fetch: Fetch = guardedFetch(limits)): Adapter {
  return implementAdapter(listchecker, async (config, { clock, log }) => {
    const type = config.entryType ?? "STRINGS";
    const overrides = config.overrides ?? [];
    const answers = new Answers(
      config.blacklist ?? false,
      durationMs(config.cachingInterval ?? "300s"),
      config.cachingUseCount ?? 10_000,
    );
    if (!config.providerUrl) {
      const list = listOf(type, overrides);
      return { check: (instance) => answers.of(list, instance) } satisfies Handler;
    }
    const provider = new ProvidedList({
      url: config.providerUrl,
      type,
      overrides,
      refreshMs: durationMs(config.refreshInterval ?? "60s"),
      ttlMs: durationMs(config.ttl ?? "300s"),
      clock,
      log,
      fetch,
    });
    await provider.start();
    return {
      check: (instance) => answers.of(provider.current(), instance),
      close: () => provider.close(),
    } satisfies Handler;
  });
}

function guardedFetch(limits: AdapterHost["limits"]): Fetch {
  const policy = { refusal: (address: string) => limits.addressRefusal(address) };
  return (url, signal) => guardedGet(url, { policy, signal });
}

class Answers {
  readonly #blacklist: boolean;
  readonly #allowed: CheckResult;

  constructor(blacklist: boolean, validMs: number, validUses: number) {
    this.#blacklist = blacklist;
    this.#allowed = { code: RPC.OK, message: "", validMs, validUses };
  }

  of(list: EntryList | undefined, { value }: ListEntryInstance): CheckResult {
    if (!list) return { code: RPC.OK, message: "", validMs: 0, validUses: 0 };
    const text = value instanceof Uint8Array ? formatIp(value) : value;
    if (typeof text !== "string")
      return this.#with(RPC.INVALID_ARGUMENT, "only a string or an IP address can be looked up in a list");
    let found: boolean;
    try {
      found = list.has(text);
    } catch (error) {
      return this.#with(RPC.INVALID_ARGUMENT, (error as Error).message);
    }
    if (found !== this.#blacklist) return this.#allowed;
    return this.#with(RPC.PERMISSION_DENIED, `${text} is ${this.#blacklist ? "blacklisted" : "not whitelisted"}`);
  }

  #with(code: number, message: string): CheckResult {
    return { ...this.#allowed, code, message };
  }
}
