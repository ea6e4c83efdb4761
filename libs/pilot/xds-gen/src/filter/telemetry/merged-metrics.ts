import { withoutTextConversion } from "@xebec/model-resources";
import { providerNamed } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { applied, isConfigured, isFor, type WorkloadMode } from "./applied.ts";

/** How mixer-telemetry is to count: by metric, what is different from Istio's standard. */
export interface MetricsSettings {
  /** JSON that mixer-telemetry reads: of each metric whether it is off (`d`), labels without (`r`) and with (`u`, by number). */
  readonly descriptor: string;
  /** Expressions of CEL for labels, by number. */
  readonly expressions: readonly string[];
}

const HTTP = ["REQUEST_COUNT", "REQUEST_DURATION", "REQUEST_SIZE", "RESPONSE_SIZE"];
const ALL = [...HTTP, "TCP_OPENED_CONNECTIONS", "TCP_CLOSED_CONNECTIONS", "TCP_SENT_BYTES", "TCP_RECEIVED_BYTES"];

interface Override {
  d?: 1;
  /** Undefined where the label is left out. */
  readonly tags: Map<string, string | undefined>;
}

/**
 * The metrics of a mode, of all levels merged: later overrides go before earlier ones (docs/reference/pilot.md §3.10).
 * @returns undefined when proxies report none
 */
export function mergedMetrics(scope: Scope, mode: WorkloadMode): MetricsSettings | undefined {
  if (!isConfigured(scope, "metrics")) return undefined;
  const { mesh } = scope;
  const parts = applied(scope).flatMap(({ spec }) => spec.metrics ?? []);
  const named = parts.findLast(({ providers }) => providers?.length)?.providers?.map(({ name }) => name);
  const names = named ?? mesh.defaultProviders.metrics;
  if (!names.some((name) => providerNamed(mesh, name)?.prometheus)) return undefined;
  const overrides = new Map<string, Override>();
  for (const { match, disabled, tagOverrides = {} } of parts.flatMap((each) => each.overrides ?? [])) {
    if (!isFor(match, mode) || match?.customMetric !== undefined) continue;
    for (const metric of !match?.metric || match.metric === "ALL_METRICS" ? ALL : [match.metric]) {
      const override = overrides.get(metric) ?? { tags: new Map<string, string | undefined>() };
      overrides.set(metric, override);
      if (disabled === true) override.d = 1;
      else if (disabled === false) delete override.d;
      for (const [tag, { operation, value = "" }] of Object.entries(tagOverrides))
        override.tags.set(tag, operation === "REMOVE" ? undefined : withoutTextConversion(value));
    }
  }
  return settingsOf(overrides);
}

function settingsOf(overrides: ReadonlyMap<string, Override>): MetricsSettings {
  const expressions: string[] = [];
  const number = (expression: string): number => {
    const known = expressions.indexOf(expression);
    return known >= 0 ? known : expressions.push(expression) - 1;
  };
  const descriptor = [...overrides]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([metric, { d, tags }]) => {
      const list = [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
      const r = list.filter(([, value]) => value === undefined).map(([tag]) => tag);
      const u = list.flatMap(([tag, value]) => (value === undefined ? [] : [[tag, number(value)]]));
      return [
        metric,
        { ...(d ? { d } : {}), ...(r.length ? { r } : {}), ...(u.length ? { u: Object.fromEntries(u) } : {}) },
      ];
    });
  return { descriptor: JSON.stringify(Object.fromEntries(descriptor)), expressions };
}

/** The custom tags of a report for labels with values of their own. */
export function labelTags(settings: MetricsSettings | undefined) {
  return (settings?.expressions ?? []).map((expression, i) => ({
    tag: `istio.label.${i}`,
    type: { case: "value" as const, value: `%CEL(${expression})%` },
  }));
}
