import { directOf } from "@xebec/mixer-adapters-denier/direct";
import { RPC } from "@xebec/mixer-sdk";
import type { Answer, EdgeStep } from "./edge-rule.ts";

type Step<S = EdgeStep> = S extends EdgeStep ? Omit<S, "handler"> : never;

/**
 * What a handler does with an instance, or why only mixer-policy can do it. A step that never denies is undefined.
 * @param value the expression of a list entry
 */
export type Deciding = string | ((template: string, value: string | undefined) => Step | string | undefined);

/** Most entries that a proxy gets; longer lists stay in mixer-policy. */
const MOST_TEXTS = 1_000;
const MOST_NETWORKS = 200;
/** Longest body or text of an answer, in characters. */
const MOST_TEXT = 4_000;

/** What Envoy can do of a handler's work. @param config valid parameters with defaults */
export function decidingOf(adapter: string, config: object): Deciding {
  return adapter === "denier" ? denierOf(config as DenierConfig) : listOf(config as ListConfig);
}

interface DenierConfig {
  readonly status?: {
    readonly code?: number;
    readonly message?: string;
    readonly details?: readonly { [key: string]: unknown }[];
  };
}

function denierOf({ status = {} }: DenierConfig): Deciding {
  const code = status.code ?? RPC.FAILED_PRECONDITION;
  if (code === 0) return () => undefined;
  const direct = directOf(status.details ?? []);
  const answer: Answer = { code, message: status.message ?? "", ...(direct ? { direct } : {}) };
  const problem = answerProblem(answer);
  return problem ?? ((template) => (template === "quota" ? "it has quotas" : { answer }));
}

/** Header names of Envoy's own replies, which it writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["content-length", "content-type", "date", "server", "connection"]);

function answerProblem({ message, direct }: Answer): string | undefined {
  if (message.length + (direct?.body.length ?? 0) > MOST_TEXT) return "its answer is too long";
  if (!direct) return undefined;
  if (direct.code !== 0 && (direct.code < 200 || direct.code > 599)) return "its HTTP status is none of an answer";
  const isPlain = ([name, value]: [string, string]): boolean =>
    /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value) && !OWN_HEADERS.has(name.toLowerCase());
  return Object.entries(direct.headers).every(isPlain) ? undefined : "its answer has a header that Envoy writes itself";
}

interface ListConfig {
  readonly providerUrl?: string;
  readonly overrides?: readonly string[];
  readonly entryType?: string;
  readonly blacklist?: boolean;
}

function listOf({ providerUrl, overrides = [], entryType = "STRINGS", blacklist = false }: ListConfig): Deciding {
  if (providerUrl) return "its list is fetched";
  if (entryType === "REGEX") return "its entries are regular expressions";
  if (overrides.length > (entryType === "IP_ADDRESSES" ? MOST_NETWORKS : MOST_TEXTS)) return "its list is too long";
  if (entryType === "CASE_INSENSITIVE_STRINGS" && !overrides.every((each) => /^[\x20-\x7e]*$/.test(each)))
    return "its entries have letters beyond ASCII";
  const type = entryType as "STRINGS" | "CASE_INSENSITIVE_STRINGS" | "IP_ADDRESSES";
  return (template, value) => {
    if (template !== "listentry") return `it does not take the template ${template}`;
    return value === undefined ? "the instance has no value" : { list: { type, entries: overrides, blacklist }, value };
  };
}
