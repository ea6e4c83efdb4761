import type { Cidr } from "../../listener/cidr.ts";

/** How a text is compared. Prefixes and suffixes are not empty: Envoy rejects empty ones. */
export type TextMatch =
  | { readonly exact: string; readonly ignoreCase?: boolean }
  | { readonly prefix: string; readonly ignoreCase?: boolean }
  | { readonly suffix: string; readonly ignoreCase?: boolean }
  /** Any text that is not empty. */
  | { readonly present: true }
  /** The whole text matches this regular expression (RE2). */
  | { readonly regex: string };

/** How a value of dynamic metadata is compared. */
export type ValueMatch =
  | { readonly text: TextMatch }
  /** The value is a list that has such a text. */
  | { readonly listWith: TextMatch }
  | { readonly oneOf: readonly ValueMatch[] };

/**
 * A condition on a request or a connection. Policies are translated to conditions, which are plain data: `envoy-rbac.ts` makes Envoy's
 * permissions and principals of them.
 */
export type Condition =
  | { readonly kind: "any" }
  | { readonly kind: "not"; readonly of: Condition }
  | { readonly kind: "all"; readonly of: readonly Condition[] }
  | { readonly kind: "some"; readonly of: readonly Condition[] }
  /** The header is present, also when it is empty. */
  | { readonly kind: "headerPresent"; readonly name: string }
  /** A value of the header matches. */
  | { readonly kind: "headerValue"; readonly name: string; readonly match: TextMatch }
  /** The header is present, and every value of it matches. */
  | { readonly kind: "everyHeader"; readonly name: string; readonly match: TextMatch }
  /** A value of the header matches, or an item of a comma-separated value. */
  | { readonly kind: "someHeader"; readonly name: string; readonly match: TextMatch }
  | { readonly kind: "method"; readonly match: TextMatch }
  /** The text of the host. */
  | { readonly kind: "host"; readonly match: TextMatch }
  /** The host in any form that may mean the same: with a port, with a dot at the end, with user information. */
  | { readonly kind: "hostInAnyForm"; readonly match: TextMatch }
  /** The path without query and fragment. */
  | { readonly kind: "path"; readonly match: TextMatch }
  /** Envoy's template of a path: `*` is one segment, `**` any number of characters. */
  | { readonly kind: "pathTemplate"; readonly template: string }
  | { readonly kind: "destinationIp"; readonly network: Cidr }
  | { readonly kind: "destinationPort"; readonly port: number }
  | { readonly kind: "sni"; readonly match: TextMatch }
  /** A name in the client's certificate. */
  | { readonly kind: "identity"; readonly match: TextMatch }
  /** The peer of the connection. */
  | { readonly kind: "directRemoteIp"; readonly network: Cidr }
  /** The original client, as `x-forwarded-for` or PROXY protocol say. */
  | { readonly kind: "remoteIp"; readonly network: Cidr }
  | {
      readonly kind: "metadata";
      /** The filter that wrote it. */
      readonly filter: string;
      readonly path: readonly string[];
      readonly value: ValueMatch;
    };

/** A policy as Envoy has it: one of the permissions and one of the principals must match. */
export interface RbacPolicy {
  /** Istio's name, which Envoy writes into logs and metadata. */
  readonly name: string;
  readonly permissions: readonly Condition[];
  readonly principals: readonly Condition[];
}

export type RbacAction = "ALLOW" | "DENY" | "LOG";

/** The policies of an action. */
export interface RbacRules {
  readonly action: RbacAction;
  /** Policies in effect. Undefined without any object; an empty list with action `ALLOW` denies everything. */
  readonly enforced?: readonly RbacPolicy[];
  /** Policies that are evaluated and counted, without effect. */
  readonly shadow?: readonly RbacPolicy[];
  /** Keys of the objects behind the policies. */
  readonly configKeys: readonly string[];
}

export const ANY: Condition = { kind: "any" };
export const NEVER: Condition = { kind: "not", of: ANY };

/** All conditions; `any` without conditions. */
export function allOf(of: readonly Condition[]): Condition {
  return of.length === 0 ? ANY : of.length === 1 ? (of[0] as Condition) : { kind: "all", of };
}

/** One of the conditions. @param of at least one */
export function someOf(of: readonly Condition[]): Condition {
  return of.length === 1 ? (of[0] as Condition) : { kind: "some", of };
}

/** A value of a policy: `*`, `*SUFFIX`, `PREFIX*` or a text. */
export function textMatch(value: string, options: { readonly ignoreCase?: boolean } = {}): TextMatch {
  if (value === "*") return { present: true };
  if (value.startsWith("*")) return { suffix: value.slice(1), ...options };
  if (value.endsWith("*")) return { prefix: value.slice(0, -1), ...options };
  return { exact: value, ...options };
}
