import { readYaml } from "@xebec/core-yaml";
import type { JsonSchema } from "./json-schema.ts";

/** What is written in place of a value of Istio 1.1 that is not taken, by its path; `*` is every component. */
export type IstioValues = Readonly<Record<string, string>>;

const COMPONENTS = [
  ...["pilot", "security", "galley", "sidecarInjectorWebhook"],
  ...["mixer", "mixer.policy", "mixer.telemetry"],
];

/**
 * Lets values of Istio 1.1 that are not taken pass the schema, since a schema cannot say what to do instead: the chart refuses them with
 * that.
 * @param text istio-values.yaml
 * @throws Error for a path that the chart takes
 */
export function withHints(schema: JsonSchema, text: string): JsonSchema {
  let result = schema;
  for (const [path, hint] of Object.entries(readYaml(text) as IstioValues)) {
    const [first = "", ...rest] = path.split(".");
    for (const component of first === "*" ? COMPONENTS : [first])
      result = withHint(result, [...component.split("."), ...rest], hint);
  }
  return result;
}

function withHint(schema: JsonSchema, [name = "", ...rest]: readonly string[], hint: string): JsonSchema {
  const { properties = {} } = schema;
  const own = properties[name];
  if (rest.length === 0 && own) throw new Error(`istio-values.yaml: the chart takes ${name}`);
  const inner = rest.length > 0 ? withHint(own ?? {}, rest, hint) : { description: `Not taken: ${hint}.` };
  return { ...schema, properties: { ...properties, [name]: inner } };
}
