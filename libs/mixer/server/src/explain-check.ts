import { XebecError } from "@xebec/core-errors";
import { callReasonOf, type DeclaredFailure, readPolicyObjects } from "@xebec/mixer-edge";
import type { ExplainedRule, MixerRuntime } from "@xebec/mixer-runtime";
import { makeBag, snapshotOf } from "./service-parts.ts";
import type { WorkloadIndex } from "./workload-index.ts";

/** A rule for one request, and where it is decided. */
export interface RuleExplanation extends ExplainedRule {
  /** `Envoy`; `mixer-policy: ` and why; or empty for a rule that decides nothing. */
  readonly where: string;
  /** What a request gets that mixer-policy does not answer, where it decides: what the rule's handlers declare, or else the mesh. */
  readonly failure?: DeclaredFailure | "mesh";
}

export interface CheckExplanation {
  /** The namespace whose rules hold for the request besides those of the root namespace. */
  readonly namespace: string;
  /** Why attributes that adapters generate are not there. */
  readonly error?: string;
  readonly rules: readonly RuleExplanation[];
}

/**
 * Says what each rule makes of a request. Handlers of checks are asked; quotas are not taken.
 * @param attributes an istio.mixer.v1.CompressedAttributes
 * @throws XebecError invalid_argument when it is none
 */
export async function explainCheck(
  runtime: MixerRuntime,
  index: WorkloadIndex,
  attributes: Buffer,
): Promise<CheckExplanation> {
  const snapshot = snapshotOf(runtime);
  const objects = readPolicyObjects(runtime.resources);
  const rulesByKey = new Map(objects.rules.map((rule) => [rule.key, rule]));
  const where = (key: string): Pick<RuleExplanation, "where" | "failure"> => {
    const rule = rulesByKey.get(key);
    if (!rule) return { where: "" };
    const reason = callReasonOf(objects, rule);
    if (reason === undefined) return { where: "Envoy" };
    return { where: `mixer-policy: ${reason}`, failure: rule.failure ?? "mesh" };
  };
  const bag = makeBag(snapshot.layout, index);
  bag.start(attributes);
  bag.read(0, attributes.length, undefined, false);
  const { rules, ...rest } = await snapshot.explain(bag);
  return { ...rest, rules: rules.map((each) => ({ ...each, ...where(each.rule) })) };
}

/** Reads the body of a request for an explanation: `{"attributes": BASE64}`. */
export function attributesIn(body: unknown): Buffer {
  const text: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "attributes") : undefined;
  if (typeof text !== "string")
    throw new XebecError("invalid_argument", `"attributes" must be an istio.mixer.v1.CompressedAttributes in base64`);
  return Buffer.from(text, "base64");
}
