import { validateObject, violationsText } from "@xebec/galley-validate";
import type { Resource } from "@xebec/model-resources";
import { yamlDocuments } from "@xebec/testing-golden";

/** YAML as users write it, or objects. */
export type Objects = string | readonly object[];

/** The objects as galley would hand them on. @throws when galley would refuse one */
export function resourcesOf(given: Objects): Resource[] {
  const values = typeof given === "string" ? yamlDocuments(given) : given;
  return values.map((value) => {
    const result = validateObject({ value: value as Record<string, unknown> });
    if (result.outcome === "accepted") return result.resource;
    const why = result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
    throw new Error(`the lab's input is refused: ${why}\n${JSON.stringify(value)}`);
  });
}
