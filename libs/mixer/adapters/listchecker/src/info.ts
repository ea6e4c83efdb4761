import { isIP } from "node:net";
import {
  bool,
  describeAdapter,
  duration,
  durationMs,
  enumeration,
  field,
  type HandlerLimits,
  int32,
  list,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { ENTRY_TYPES, listOf } from "./lists.ts";

const Params = message("listchecker.Params", {
  providerUrl: field(string(), "Where the list is fetched from, http or https; empty: only `overrides` are the list."),
  refreshInterval: field(duration(), "How often the list is fetched, 1s or longer."),
  ttl: field(duration(), "How long a list holds that cannot be fetched again."),
  cachingInterval: field(duration(), "How long callers may reuse an answer."),
  cachingUseCount: field(int32({ minimum: 0 }), "How often callers may reuse an answer."),
  overrides: field(list(string()), "Entries besides those of the provider."),
  entryType: field(enumeration(ENTRY_TYPES), "What the entries are."),
  blacklist: field(bool(), "Denies what is on the list, instead of allowing it."),
});
export type ListcheckerParams = Static<typeof Params>;

/** Allows or denies by a list (docs/reference/mixer.md §6.2). */
export const listchecker = describeAdapter({
  name: "listchecker",
  description: "allows or denies by a list of strings, addresses or regular expressions",
  templates: ["listentry"],
  config: Params,
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
  validate(params, { limits }) {
    const { cachingInterval = "300s", overrides = [], entryType = "STRINGS" } = params;
    const violations = params.providerUrl ? providerViolations(params, limits) : [];
    if (durationMs(cachingInterval) < 0)
      violations.push({ path: ["cachingInterval"], message: "must not be negative" });
    try {
      listOf(entryType, overrides);
    } catch (error) {
      violations.push({ path: ["overrides"], message: (error as Error).message });
    }
    return violations;
  },
});

function providerViolations(
  { providerUrl = "", refreshInterval = "60s", ttl = "300s" }: ListcheckerParams,
  limits: HandlerLimits | undefined,
): Violation[] {
  const violations: Violation[] = [];
  const url = URL.canParse(providerUrl) ? new URL(providerUrl) : undefined;
  // What is not a URL may hold a password all the same: it is not shown.
  if (!url?.host || !["http:", "https:"].includes(url.protocol))
    violations.push({ path: ["providerUrl"], message: "is not an http or https URL" });
  else violations.push(...addressViolations(url, limits));
  if (durationMs(refreshInterval) < 1000)
    violations.push({ path: ["refreshInterval"], message: "must be 1s or longer" });
  if (durationMs(ttl) < durationMs(refreshInterval))
    violations.push({ path: ["ttl"], message: "must not be shorter than refreshInterval" });
  return violations;
}

/** A name is looked up when it is called. */
function addressViolations({ hostname }: URL, limits: HandlerLimits | undefined): Violation[] {
  const host = hostname.replace(/^\[|\]$/g, "");
  const refusal = isIP(host) === 0 ? undefined : limits?.addressRefusal(host);
  if (refusal === undefined) return [];
  const message = `${refusal}; the flag --handlerNetworks of mixer-policy names networks that lists may come from`;
  return [{ path: ["providerUrl"], message }];
}
