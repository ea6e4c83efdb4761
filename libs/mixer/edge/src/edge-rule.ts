import type { ValueType } from "@xebec/model-attributes";

/** What a caller gets that a handler denies. */
export interface Answer {
  /** google.rpc.Code. */
  readonly code: number;
  readonly message: string;
  /** The HTTP answer in place of the default one of the code. */
  readonly direct?: {
    readonly code: number;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** One instance on its way to one handler that Envoy can do the work of. */
export type EdgeStep =
  /** Denies always. */
  | { readonly handler: string; readonly answer: Answer }
  /** Looks a value up in a list. */
  | {
      readonly handler: string;
      readonly list: {
        readonly type: "STRINGS" | "CASE_INSENSITIVE_STRINGS" | "IP_ADDRESSES";
        readonly entries: readonly string[];
        readonly blacklist: boolean;
      };
      /** An expression. */
      readonly value: string;
    };

/** What the handlers of a rule want for requests without an answer: they pass, or they are denied. */
export type DeclaredFailure = "open" | "closed";

/** A rule that may decide about requests; plain data, so that equal ones can be told. */
export interface EdgeRule {
  readonly key: string;
  readonly namespace: string;
  /** Empty for a rule that always holds. */
  readonly match: string;
  /** Why mixer-policy has to be asked, whatever the service is; absent where Envoy can do it. */
  readonly call?: string;
  /** The hosts whose requests take from a quota of the rule, `*` for all of them: mixer-policy counts. */
  readonly quotaHosts: readonly string[];
  /** What its handlers declare for requests that mixer-policy gives no answer to; absent: nothing, or not all the same. */
  readonly failure?: DeclaredFailure;
  /** What it decides by, in order; empty where only `call` or quotas count. */
  readonly steps: readonly EdgeStep[];
}

/** What of Mixer's configuration decides about requests. */
export interface PolicyObjects {
  /** In the order in which Mixer evaluates them. */
  readonly rules: readonly EdgeRule[];
  /** Attributes of manifests, with their types. */
  readonly attributes: readonly (readonly [name: string, type: ValueType])[];
  /** Attributes of requests that adapters make: only mixer-policy knows their values. */
  readonly generated: readonly string[];
}

export const NO_POLICY: PolicyObjects = { rules: [], attributes: [], generated: [] };
