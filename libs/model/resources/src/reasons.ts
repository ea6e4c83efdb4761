/**
 * `attached`: it is in effect; `compiled`: valid, and nothing uses it; `accepted`: valid and published; `ignored`: valid, without
 * effect; `rejected`: refused, the last good form stays in effect where there is one.
 */
export type ConditionState = "attached" | "compiled" | "accepted" | "ignored" | "rejected";

/**
 * Every reason that a service gives in a condition, with the state that belongs to it. docs/errors.md says of each what to do;
 * a test keeps the page equal to this table. `mixer` stands for both mixer-policy and mixer-telemetry.
 */
export const REASONS = {
  galley: {
    Accepted: "accepted",
    Invalid: "rejected",
  },
  pilot: {
    Attached: "attached",
    PartlyResolved: "attached",
    GatewayNotFound: "ignored",
    HostNotFound: "ignored",
    NoProxySelected: "ignored",
    NoProxyAffected: "ignored",
    ProxyRejected: "rejected",
  },
  mixer: {
    Compiled: "attached",
    Built: "attached",
    BuiltIn: "attached",
    PartlyRejected: "attached",
    Unused: "compiled",
    NoProxyAsks: "ignored",
    InvalidSpec: "rejected",
    InvalidExpression: "rejected",
    InvalidParams: "rejected",
    UnknownAdapter: "rejected",
    UnknownTemplate: "rejected",
    Unsupported: "rejected",
    Disabled: "rejected",
    Conflict: "rejected",
    BuildFailed: "rejected",
    NoAction: "rejected",
  },
} as const satisfies Record<string, Record<string, ConditionState>>;

export type ConditionSpeaker = keyof typeof REASONS;

/** The reasons that a service gives, or only those of some state: `ReasonOf<"pilot", "ignored">`. */
export type ReasonOf<S extends ConditionSpeaker, T extends ConditionState = ConditionState> = {
  [R in keyof (typeof REASONS)[S]]: (typeof REASONS)[S][R] extends T ? R : never;
}[keyof (typeof REASONS)[S]];

/** A reason of any service. */
export type ConditionReason = { [S in ConditionSpeaker]: ReasonOf<S> }[ConditionSpeaker];
