import type { TelemetrySpec } from "@xebec/model-resources";
import { type Mesh, PROVIDER_SIGNALS, type ProviderSignal, providerNamed, providerSort } from "../mesh-config/state.ts";

/** References to providers that are not there, or not for this, as `path: why`. */
export function ineffectiveProviders(spec: TelemetrySpec, mesh: Mesh): string[] {
  return (["tracing", "metrics", "accessLogging"] as const).flatMap((signal) =>
    (spec[signal] ?? []).flatMap(({ providers, ...rest }, i) => {
      const path = `spec.${signal}[${i}]`;
      if (!providers?.length)
        return isNothing(rest) || mesh.defaultProviders[signal].length > 0 || hasAbove(spec, signal, i)
          ? []
          : [
              `${path}: no provider is named, and the mesh configuration has no defaultProviders.${signal}; what a level above names is used`,
            ];
      return providers.flatMap(({ name }, j) => {
        const why = unusable(name, signal, mesh);
        return why ? [`${path}.providers[${j}].name: ${why}`] : [];
      });
    }),
  );
}

function isNothing(rest: object): boolean {
  return "disabled" in rest || "disableSpanReporting" in rest;
}

function hasAbove(spec: TelemetrySpec, signal: ProviderSignal, i: number): boolean {
  return (spec[signal] ?? []).slice(0, i).some((each) => each.providers?.length);
}

/** Why a provider cannot be used for something; undefined when it can. */
export function unusable(name: string, signal: ProviderSignal, mesh: Mesh): string | undefined {
  const provider = providerNamed(mesh, name);
  if (!provider) return `the mesh configuration has no provider "${name}" in extensionProviders`;
  const sort = providerSort(provider);
  const sorts: readonly string[] = PROVIDER_SIGNALS[signal];
  return sorts.includes(sort)
    ? undefined
    : `"${name}" (${sort}) is not a provider of ${WORDS[signal]}: ${sorts.join(", ")}`;
}

const WORDS = { tracing: "traces", metrics: "metrics", accessLogging: "access logs" } as const;
