/** The services that write conditions. */
export const CONDITION_CONTROLLERS = ["galley", "pilot", "mixer-policy", "mixer-telemetry"] as const;

export type ConditionController = (typeof CONDITION_CONTROLLERS)[number];

/**
 * What became of an object. `attached`: it is in effect; `compiled`: valid, and nothing uses it; `accepted`: valid and published;
 * `ignored`: valid, without effect; `rejected`: refused, the last good form stays in effect where there is one.
 */
export type ConditionOutcome = "attached" | "compiled" | "accepted" | "ignored" | "rejected";

/**
 * Every reason that a controller gives in a condition, with the outcome that belongs to it. docs/errors.md says of each what to do;
 * a test keeps the page equal to this table. `mixer` stands for both mixer-policy and mixer-telemetry. A reason is in one table only.
 */
export const REASONS = {
  galley: {
    Accepted: "accepted",
    Invalid: "rejected",
  },
  pilot: {
    Attached: "attached",
    PartlyResolved: "attached",
    DelegateUnused: "ignored",
    GatewayNotFound: "ignored",
    HostNotFound: "ignored",
    NoProxySelected: "ignored",
    NotSelected: "ignored",
    NotHealthy: "ignored",
    NoProxyAffected: "ignored",
    ProxyRejected: "rejected",
  },
  mixer: {
    Compiled: "attached",
    Built: "attached",
    BuiltIn: "attached",
    Degraded: "attached",
    Failing: "attached",
    PartlyRejected: "attached",
    Unused: "compiled",
    NoProxyAsks: "ignored",
    InvalidSpec: "rejected",
    InvalidExpression: "rejected",
    InvalidParams: "rejected",
    UnknownAdapter: "rejected",
    UnknownTemplate: "rejected",
    MissingReference: "rejected",
    Disabled: "rejected",
    Conflict: "rejected",
    BuildFailed: "rejected",
    NoAction: "rejected",
  },
} as const satisfies Record<string, Record<string, ConditionOutcome>>;

export type ReasonTable = keyof typeof REASONS;

/** The reasons of a table, or only those with some outcome: `ReasonOf<"pilot", "ignored">`. */
export type ReasonOf<S extends ReasonTable, T extends ConditionOutcome = ConditionOutcome> = {
  [R in keyof (typeof REASONS)[S]]: (typeof REASONS)[S][R] extends T ? R : never;
}[keyof (typeof REASONS)[S]];

/** A reason of any controller. */
export type ConditionReason = { [S in ReasonTable]: ReasonOf<S> }[ReasonTable];

const OUTCOMES: ReadonlyMap<string, ConditionOutcome> = new Map(
  Object.values(REASONS).flatMap((table) => Object.entries(table)),
);

/** @returns undefined for a reason of another release */
export function outcomeOfReason(reason: string): ConditionOutcome | undefined {
  return OUTCOMES.get(reason);
}
