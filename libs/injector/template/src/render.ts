import { XebecError } from "@xebec/core-errors";
import { readYaml, YamlError } from "@xebec/core-yaml";
import mustache from "mustache";
import type { ListName } from "./earlier-injection.ts";
import type { Named } from "./pod.ts";

/** What a template adds to a pod. */
export interface Rendered {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Partial<Record<ListName, readonly Named[]>>;
}

/** Renders a Mustache template that makes YAML. @throws XebecError invalid_argument for a template that cannot be used */
export function render(template: string, data: Record<string, unknown>): Rendered {
  try {
    // Every text becomes a JSON text, which YAML reads as a quoted scalar: nothing in a pod can change the structure. Only what
    // was made a number above stands as one.
    const quoted = (value: unknown): string => JSON.stringify(typeof value === "number" ? value : String(value));
    const text = mustache.render(template, data, {}, { escape: quoted });
    return (readYaml(text) ?? {}) as Rendered;
  } catch (error) {
    throw new XebecError(
      "invalid_argument",
      `the injection template cannot be used: ${error instanceof YamlError ? error.text : (error as Error).message.split("\n")[0]}`,
      { cause: error },
    );
  }
}
