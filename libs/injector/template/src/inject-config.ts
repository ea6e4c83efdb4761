import { XebecError } from "@xebec/core-errors";
import { readYaml, YamlError } from "@xebec/core-yaml";
import { rawPlaceholder } from "./raw-placeholder.ts";

/** A Kubernetes label selector. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** What Istio's config map `istio-sidecar-injector` holds under `config` (docs/reference/platform.md §4.2). */
export interface InjectConfig {
  readonly policy: "enabled" | "disabled";
  /** A partial Pod in YAML with `{{placeholders}}`. */
  readonly template: string;
  readonly neverInjectSelector: readonly Selector[];
  readonly alwaysInjectSelector: readonly Selector[];
}

/**
 * Reads the injector's configuration.
 * @param fallback the template when the text names none
 * @throws XebecError invalid_argument with what is wrong
 */
export function parseInjectConfig(text: string, fallback: string): InjectConfig {
  const fail = (message: string): never => {
    throw new XebecError("invalid_argument", `injector configuration: ${message}`);
  };
  let value: unknown;
  try {
    value = readYaml(text) ?? {};
  } catch (error) {
    return fail(error instanceof YamlError ? error.text : String(error));
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return fail("must be a map");
  const {
    policy = "enabled",
    template = fallback,
    neverInjectSelector = [],
    alwaysInjectSelector = [],
    ...rest
  } = value as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown) fail(`unknown field ${unknown}; known are policy, template, neverInjectSelector, alwaysInjectSelector`);
  if (policy !== "enabled" && policy !== "disabled")
    return fail(`policy: must be enabled or disabled, not ${JSON.stringify(policy)}`);
  if (typeof template !== "string") return fail("template: must be a string");
  const raw = rawPlaceholder(template);
  if (raw)
    return fail(
      `template: line ${raw.line}: ${raw.text} would put a value into the pod unquoted; write {{${raw.name}}} (only {{&values.NAME}}, which no pod chooses, may be raw)`,
    );
  if (!Array.isArray(neverInjectSelector) || !Array.isArray(alwaysInjectSelector))
    return fail("selectors must be lists");
  return { policy, template, neverInjectSelector, alwaysInjectSelector };
}

/** True when the labels fit; an empty selector fits nothing. */
export function selectorMatches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  if (equal.length === 0 && expressions.length === 0) return false;
  return (
    equal.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "In") return value !== undefined && values.includes(value);
      if (operator === "NotIn") return value === undefined || !values.includes(value);
      if (operator === "Exists") return value !== undefined;
      return operator === "DoesNotExist" && value === undefined;
    })
  );
}
