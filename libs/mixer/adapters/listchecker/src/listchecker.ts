import { isIP } from "node:net";
import {
  type Adapter,
  type CheckResult,
  Duration,
  defineAdapter,
  durationMs,
  Enum,
  formatIp,
  type Handler,
  type ListEntryInstance,
  RPC,
} from "@xebec/mixer-sdk";
import { type AddressPolicy, createAddressPolicy, guardedGet } from "@xebec/platform-http/guarded";
import { Type } from "typebox";
import { ENTRY_TYPES, type EntryList, type EntryType, listOf } from "./lists.ts";
import { type Fetch, ProvidedList } from "./provider.ts";

const Config = Type.Object(
  {
    providerUrl: Type.Optional(Type.String()),
    refreshInterval: Type.Optional(Duration),
    ttl: Type.Optional(Duration),
    cachingInterval: Type.Optional(Duration),
    cachingUseCount: Type.Optional(Type.Integer({ minimum: 0 })),
    overrides: Type.Optional(Type.Array(Type.String())),
    entryType: Type.Optional(Enum(ENTRY_TYPES)),
    blacklist: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/**
 * Makes the adapter that allows or denies by a list (docs/reference/mixer.md §6.2).
 * @param policy which addresses a list may come from
 * @param fetch how a list is fetched; a test gives its own
 */
export function createListchecker(
  policy: AddressPolicy = createAddressPolicy(),
  fetch: Fetch = (url, signal) => guardedGet(url, { policy, signal }),
): Adapter {
  return defineAdapter({
    name: "listchecker",
    description: "allows or denies by a list of texts, addresses or regular expressions",
    templates: ["listentry"],
    config: Config,
    defaults: {
      providerUrl: "",
      refreshInterval: "60s",
      ttl: "300s",
      cachingInterval: "300s",
      cachingUseCount: 10_000,
      overrides: [],
      entryType: "STRINGS",
      blacklist: false,
    },
    validate({
      providerUrl = "",
      refreshInterval = "60s",
      ttl = "300s",
      cachingInterval = "300s",
      overrides = [],
      entryType,
    }) {
      const faults: string[] = [];
      if (providerUrl !== "") {
        const url = URL.canParse(providerUrl) ? new URL(providerUrl) : undefined;
        // What is no URL may hold a password all the same: it is not shown.
        if (!url?.host || !["http:", "https:"].includes(url.protocol))
          faults.push("providerUrl: is no http or https URL");
        else faults.push(...addressFaults(url, policy));
        if (durationMs(refreshInterval) < 1000) faults.push("refreshInterval: must be 1s or longer");
        if (durationMs(ttl) < durationMs(refreshInterval)) faults.push("ttl: must not be shorter than refreshInterval");
      }
      if (durationMs(cachingInterval) < 0) faults.push("cachingInterval: must not be negative");
      try {
        listOf((entryType ?? "STRINGS") as EntryType, overrides);
      } catch (error) {
        faults.push(`overrides: ${(error as Error).message}`);
      }
      return faults;
    },
    async create(config, { clock, log }) {
      const type = (config.entryType ?? "STRINGS") as EntryType;
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
    },
  });
}

/** What is wrong with an address; a name is looked up when it is called. */
function addressFaults({ hostname }: URL, policy: AddressPolicy): string[] {
  const host = hostname.replace(/^\[|\]$/g, "");
  const refusal = isIP(host) === 0 ? undefined : policy.refusal(host);
  return refusal === undefined
    ? []
    : [`providerUrl: ${refusal}; the flag --handlerNetworks of mixer-policy names networks that lists may come from`];
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
      return this.#with(RPC.INVALID_ARGUMENT, "only a text or an IP address can be looked up in a list");
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
