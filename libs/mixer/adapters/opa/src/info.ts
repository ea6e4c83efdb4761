import { bool, describeAdapter, field, list, message, type Static, string } from "@xebec/mixer-sdk";
import { compilePolicy } from "./policy.ts";

const Params = message("opa.Params", {
  policy: field(list(string()), "Modules of Rego. Required, unless failClose denies what is wrong."),
  checkMethod: field(
    string(),
    "The query whose one value must be a boolean, such as `data.mesh.allow`. Required in the same way.",
  ),
  failClose: field(
    bool(),
    "Denies every request while the policy is wrong or cannot be evaluated. Otherwise a wrong policy is refused, and a request passes whose evaluation fails.",
  ),
});
export type OpaParams = Static<typeof Params>;

/** Decides by policies in Rego (docs/reference/mixer.md §6.9). */
export const opa = describeAdapter({
  name: "opa",
  description: "decides by policies in Rego, Open Policy Agent's language, which the service evaluates itself",
  templates: ["authorization"],
  config: Params,
  validate(config) {
    const wrong = config.failClose === true ? undefined : problemOf(config);
    return wrong ? [wrong] : [];
  },
});

/** What is wrong with a policy. */
export function problemOf({
  policy = [],
  checkMethod = "",
}: OpaParams): { path: string[]; message: string } | undefined {
  if (checkMethod === "") return { path: ["checkMethod"], message: "is required: the query, such as data.mesh.allow" };
  if (policy.length === 0) return { path: ["policy"], message: "is required: at least one module of Rego" };
  try {
    compilePolicy(policy, checkMethod);
    return undefined;
  } catch (error) {
    return { path: ["policy"], message: (error as Error).message };
  }
}
