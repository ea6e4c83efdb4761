import type { ExtensionProvider } from "@xebec/model-resources";
import { type Mesh, providerNamed } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { applied, isConfigured, isFor, type WorkloadMode } from "./applied.ts";

/** An access log that Telemetry asks for. */
export interface Logging {
  readonly provider: ExtensionProvider;
  /** An expression of CEL: what is logged. */
  readonly filter?: string;
}

/**
 * The access logs of a mode, of all levels merged as Istio does: the last level that names providers says which there are, each
 * level in turn switches them on and off (docs/reference/pilot.md §3.10).
 * @returns undefined when nobody says anything: then the mesh configuration's own fields hold
 */
export function mergedLogging(scope: Scope, mode: WorkloadMode): readonly Logging[] | undefined {
  if (!isConfigured(scope, "accessLogging")) return undefined;
  const levels = applied(scope).flatMap(({ spec }) => (spec.accessLogging?.length ? [spec.accessLogging] : []));
  const defaults = scope.mesh.defaultProviders.accessLogging;
  if (levels.length === 0) return loggings(scope.mesh, new Map(defaults.map((name) => [name, undefined])));
  let inScope: ReadonlySet<string> = new Set(defaults);
  const filters = new Map<string, string | undefined>();
  for (const level of levels) {
    const named = level.flatMap(({ providers = [], filter }) =>
      providers.map(({ name }) => {
        filters.set(name, filter?.expression);
        return name;
      }),
    );
    if (named.length > 0) inScope = new Set(named);
  }
  const on = new Map<string, string | undefined>();
  let names: readonly string[] = defaults;
  for (const { match, providers, disabled, filter } of levels.flat()) {
    if (providers?.length) names = providers.map(({ name }) => name);
    for (const name of names) {
      if (!inScope.has(name) || !isFor(match, mode)) continue;
      if (disabled) on.delete(name);
      else on.set(name, filters.get(name) ?? filter?.expression);
    }
  }
  return loggings(scope.mesh, on);
}

function loggings(mesh: Mesh, on: ReadonlyMap<string, string | undefined>): Logging[] {
  return [...on].flatMap(([name, filter]) => {
    const provider = providerNamed(mesh, name);
    return provider ? [{ provider, ...(filter ? { filter } : {}) }] : [];
  });
}
