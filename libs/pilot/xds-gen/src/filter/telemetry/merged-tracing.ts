import type { ExtensionProvider, ProxyTracing, TelemetrySpec } from "@xebec/model-resources";
import { providerNamed } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { applied, isConfigured, isFor, type WorkloadMode } from "./applied.ts";

type Part = NonNullable<TelemetrySpec["tracing"]>[number];

export type CustomTags = NonNullable<Part["customTags"]> | NonNullable<ProxyTracing["customTags"]>;

/** How requests are traced. */
export interface TracingSettings {
  /** Undefined for the tracer of the mesh configuration's `defaultConfig`. */
  readonly provider: ExtensionProvider | undefined;
  /** Percentage. */
  readonly sampling: number;
  readonly customTags: CustomTags;
  readonly istioTags: boolean;
  readonly byRequestId: boolean;
  readonly propagation: boolean;
}

/** Istio's PILOT_TRACE_SAMPLING, in percent. */
const DEFAULT_SAMPLING = 1;

/**
 * How the requests of a mode are traced: by Telemetry, of which each level overrules the one above, by the default provider, else by the
 * mesh configuration's `defaultConfig` (docs/reference/pilot.md §3.10).
 * @returns undefined when they are not traced
 */
export function mergedTracing(scope: Scope, mode: WorkloadMode): TracingSettings | undefined {
  const { mesh, proxyConfig } = scope;
  const { tracing } = proxyConfig;
  const fallback = {
    sampling: tracing?.sampling || DEFAULT_SAMPLING,
    customTags: tracing?.customTags ?? {},
    istioTags: tracing?.enableIstioTags ?? true,
    byRequestId: true,
    propagation: true,
  };
  if (!isConfigured(scope, "tracing"))
    return mesh.enableTracing && proxyTracerAddress(scope) ? { ...fallback, provider: undefined } : undefined;
  const parts = applied(scope)
    .flatMap(({ spec }) => spec.tracing ?? [])
    .filter(({ match }) => isFor(match, mode));
  const last = <K extends keyof Part>(field: K): Part[K] | undefined =>
    parts.findLast((each) => each[field] !== undefined)?.[field];
  const name =
    parts.findLast(({ providers }) => providers?.length)?.providers?.[0]?.name ?? mesh.defaultProviders.tracing[0];
  const provider = name === undefined ? undefined : providerNamed(mesh, name);
  if (!provider || last("disableSpanReporting")) return undefined;
  const tags = last("customTags");
  return {
    provider,
    sampling: last("randomSamplingPercentage") ?? fallback.sampling,
    customTags: tags && Object.keys(tags).length > 0 ? tags : fallback.customTags,
    istioTags: last("enableIstioTags") ?? true,
    byRequestId: last("useRequestIdForTraceSampling") ?? true,
    propagation: !last("disableContextPropagation"),
  };
}

/** The tracer of `defaultConfig`, with its `HOST:PORT`. */
export function proxyTracerAddress({
  proxyConfig,
}: Pick<Scope, "proxyConfig">): { readonly tracer: "zipkin" | "datadog"; readonly address: string } | undefined {
  const { tracing, zipkinAddress } = proxyConfig;
  const zipkin = tracing?.zipkin?.address || zipkinAddress;
  if (zipkin && !tracing?.datadog) return { tracer: "zipkin", address: zipkin };
  const datadog = tracing?.datadog?.address;
  // The agent of 1.1 put the node's address in the place of a variable.
  return datadog && !datadog.includes("$") ? { tracer: "datadog", address: datadog } : undefined;
}
