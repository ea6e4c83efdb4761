import { EnvoyJsonError, loadWholeApi, readEnvoyJson, wholeApi } from "@xebec/api-envoy";
import { type Checker, ENVOY_FILTER_TYPES, type EnvoyFilterSpec, type Kind } from "@xebec/model-resources";

const GROUP = "networking.istio.io/";

/**
 * Loads what an object needs to be checked whole: Envoy's API for an EnvoyFilter, and nothing for all others. Without it the values
 * of an EnvoyFilter's patches are not checked.
 * @param value the object as it was read
 * @returns undefined when there is nothing to wait for
 */
export function prepareValidation(value: Readonly<Record<string, unknown>>): Promise<unknown> | undefined {
  const isEnvoyFilter = value.kind === "EnvoyFilter" && String(value.apiVersion).startsWith(GROUP);
  return isEnvoyFilter && !wholeApi() ? loadWholeApi() : undefined;
}

/** Checks the values of patches by Envoy's API, as Istio does: what cannot be read is refused, unknown fields are warned of. */
export function checkEnvoyFilterValues(kind: Kind, spec: unknown, check: Checker): void {
  const registry = wholeApi();
  if (kind.kind !== "EnvoyFilter" || !registry) return;
  for (const [i, { applyTo = "INVALID", patch }] of ((spec as EnvoyFilterSpec).configPatches ?? []).entries()) {
    const type = applyTo === "INVALID" ? undefined : ENVOY_FILTER_TYPES[applyTo];
    const schema = type === undefined ? undefined : registry.getMessage(type);
    if (!schema || patch?.value === undefined) continue;
    const path = ["spec", "configPatches", i, "patch", "value"];
    const errorOf = (strict: boolean): string | undefined => {
      try {
        readEnvoyJson(schema, patch.value, registry, { strict });
        return undefined;
      } catch (error) {
        if (error instanceof EnvoyJsonError) return error.message;
        throw error;
      }
    };
    const error = errorOf(false);
    const warning = error === undefined ? errorOf(true) : undefined;
    if (error !== undefined) check.fail(path, error);
    else if (warning !== undefined) check.warn(path, `${warning}; it is left out`);
  }
}
