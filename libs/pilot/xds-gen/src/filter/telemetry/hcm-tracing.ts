import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { HttpConnectionManagerSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { UuidRequestIdConfigSchema } from "@xebec/api-envoy/envoy/extensions/request_id/uuid/v3/uuid";
import type { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import type { Scope } from "../../scope/scope.ts";
import type { TraceNode } from "../../scope/trace-node.ts";
import { knownTags } from "../known-tags.ts";
import type { WorkloadMode } from "./applied.ts";
import { type CustomTags, mergedTracing, proxyTracerAddress, type TracingSettings } from "./merged-tracing.ts";
import { datadogConfig, providerTracer, type Tracer, zipkinConfig } from "./tracer.ts";

type Manager = MessageInitShape<typeof HttpConnectionManagerSchema>;
type CustomTag = Omit<MessageInitShape<typeof CustomTagSchema>, "$typeName" | "$unknown">;

/** What tracing adds to a connection manager. */
export type ManagerTracing = Pick<Manager, "tracing" | "requestIdExtension">;

/**
 * How a connection manager traces (docs/reference/pilot.md §3.10).
 * @param node what spans say of the proxy
 * @returns undefined when it does not
 */
export function managerTracing(scope: Scope, mode: WorkloadMode, node: TraceNode): ManagerTracing | undefined {
  const settings = mergedTracing(scope, mode);
  const tracer = settings && tracerOf(scope, settings, node);
  if (!tracer) return undefined;
  const { sampling, byRequestId, propagation } = settings;
  const length = tracer.maxPathTagLength ?? scope.proxyConfig.tracing?.maxPathTagLength;
  return {
    tracing: {
      clientSampling: { value: 100 },
      randomSampling: { value: tracer.ownSampler ? 100 : sampling },
      overallSampling: { value: 100 },
      ...(length ? { maxPathTagLength: length } : {}),
      ...(tracer.spawnUpstreamSpan ? { spawnUpstreamSpan: true } : {}),
      customTags: [
        ...(settings.istioTags ? istioTags(node, scope.proxyClass.namespace) : []),
        ...knownTags(scope, userTags(settings.customTags)),
      ].sort((a, b) => ((a.tag ?? "") < (b.tag ?? "") ? -1 : 1)),
      provider: { name: tracer.name, configType: { case: "typedConfig", value: tracer.config } },
      ...(propagation ? {} : { noContextPropagation: true }),
    },
    ...(byRequestId
      ? {}
      : {
          requestIdExtension: {
            typedConfig: anyOf(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: false }),
          },
        }),
  };
}

function tracerOf(scope: Scope, { provider }: TracingSettings, node: TraceNode): Tracer | undefined {
  if (provider) return providerTracer(scope, provider, node.service);
  const own = proxyTracerAddress(scope);
  if (!own) return undefined;
  const to = { clusterName: own.tracer, authority: own.address };
  return own.tracer === "zipkin"
    ? { name: "envoy.tracers.zipkin", config: zipkinConfig(to) }
    : { name: "envoy.tracers.datadog", config: datadogConfig(to, node.service) };
}

function istioTags(node: TraceNode, namespace: string): CustomTag[] {
  const tags = {
    "istio.canonical_revision": node.canonicalRevision,
    "istio.canonical_service": node.canonicalService,
    "istio.mesh_id": node.meshId,
    "istio.namespace": namespace,
    "istio.cluster_id": node.clusterId,
  };
  return Object.entries(tags).map(([tag, value]) => ({ tag, type: { case: "literal", value: { value } } }));
}

function userTags(tags: CustomTags): CustomTag[] {
  return Object.entries(tags).map(([tag, each]): CustomTag => {
    const { literal, environment, header } = each;
    if (literal) return { tag, type: { case: "literal", value: { value: literal.value } } };
    if (environment) return { tag, type: { case: "environment", value: environment } };
    if (header) return { tag, type: { case: "requestHeader", value: header } };
    const { formatter } = each as { readonly formatter?: { readonly value: string } };
    return { tag, type: { case: "value", value: formatter?.value ?? "" } };
  });
}
