import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { HeaderValueOption_HeaderAppendAction as Append } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { HttpServiceSchema } from "@xebec/api-envoy/envoy/config/core/v3/http_service";
import { DatadogConfigSchema } from "@xebec/api-envoy/envoy/config/trace/v3/datadog";
import { OpenTelemetryConfigSchema } from "@xebec/api-envoy/envoy/config/trace/v3/opentelemetry";
import { SkyWalkingConfigSchema } from "@xebec/api-envoy/envoy/config/trace/v3/skywalking";
import {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "@xebec/api-envoy/envoy/config/trace/v3/zipkin";
import { DynatraceResourceDetectorConfigSchema } from "@xebec/api-envoy/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/dynatrace_resource_detector";
import { EnvironmentResourceDetectorConfigSchema } from "@xebec/api-envoy/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector";
import { DynatraceSamplerConfigSchema } from "@xebec/api-envoy/envoy/extensions/tracers/opentelemetry/samplers/v3/dynatrace_sampler";
import type { ExtensionProvider } from "@xebec/model-resources";
import { ms } from "../../cluster/traffic-policy.ts";
import type { Scope } from "../../scope/scope.ts";
import { type ProviderCluster, providerCluster } from "./provider-cluster.ts";

type HttpService = MessageInitShape<typeof HttpServiceSchema>;
type OpenTelemetry = NonNullable<ExtensionProvider["opentelemetry"]>;
type Http = NonNullable<OpenTelemetry["http"]>;
type Header = NonNullable<Http["headers"]>[number];

/** Envoy's tracer for a provider. */
export interface Tracer {
  readonly name: string;
  readonly config: Any;
  readonly maxPathTagLength?: number;
  /** Makes a span of its own for the call to the server. */
  readonly spawnUpstreamSpan?: boolean;
  /** The tracer's own sampler decides: it has to see every request. */
  readonly ownSampler?: boolean;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const HTTP_TIMEOUT_MS = 3_000;

/**
 * The tracer of a provider (docs/reference/pilot.md §3.10).
 * @param serviceName the name of the proxy's service in spans
 * @returns undefined when the provider is no tracer, or the proxies do not see its service
 */
export function providerTracer(scope: Scope, provider: ExtensionProvider, serviceName: string): Tracer | undefined {
  const { zipkin, opentelemetry, datadog, skywalking } = provider;
  const settings = zipkin ?? opentelemetry ?? datadog ?? skywalking;
  const to = settings && providerCluster(scope, settings);
  if (!to) return undefined;
  const length = (zipkin ?? opentelemetry ?? datadog)?.maxTagLength;
  const more = length ? { maxPathTagLength: length } : {};
  if (zipkin) return { name: "envoy.tracers.zipkin", config: zipkinConfig(to, zipkin), ...more };
  if (datadog) return { name: "envoy.tracers.datadog", config: datadogConfig(to, serviceName), ...more };
  if (skywalking)
    return {
      name: "envoy.tracers.skywalking",
      config: skyWalkingConfig(to, skywalking, serviceName),
      spawnUpstreamSpan: true,
    };
  return openTelemetryTracer(scope, opentelemetry as OpenTelemetry, to, serviceName, more);
}

export function zipkinConfig(
  { clusterName, authority }: ProviderCluster,
  settings: Partial<NonNullable<ExtensionProvider["zipkin"]>> = {},
): Any {
  const endpoint = settings.path || "/api/v2/spans";
  const hasService = settings.timeout !== undefined || settings.headers !== undefined;
  return anyOf(ZipkinConfigSchema, {
    // Envoy 1.36 does not know the newer form, which alone has headers and a time-out.
    ...(hasService
      ? {
          collectorService: httpService(
            { clusterName, authority },
            { path: endpoint, ...settings },
            ms(settings.timeout) ?? DEFAULT_TIMEOUT_MS,
          ),
        }
      : {}),
    collectorCluster: clusterName,
    collectorEndpoint: endpoint,
    collectorHostname: authority,
    collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
    traceId128bit: !settings.enable64bitTraceId,
    sharedSpanContext: false,
    ...(settings.traceContextOption === "USE_B3_WITH_W3C_PROPAGATION"
      ? { traceContextOption: ZipkinConfig_TraceContextOption.USE_B3_WITH_W3C_PROPAGATION }
      : {}),
  });
}

export function datadogConfig({ clusterName, authority }: ProviderCluster, serviceName: string): Any {
  return anyOf(DatadogConfigSchema, { collectorCluster: clusterName, collectorHostname: authority, serviceName });
}

function skyWalkingConfig(to: ProviderCluster, { accessToken }: { accessToken?: string }, serviceName: string): Any {
  return anyOf(SkyWalkingConfigSchema, {
    grpcService: { targetSpecifier: { case: "envoyGrpc", value: to } },
    clientConfig: {
      serviceName,
      ...(accessToken ? { backendTokenSpecifier: { case: "backendToken" as const, value: accessToken } } : {}),
    },
  });
}

function openTelemetryTracer(
  scope: Scope,
  settings: OpenTelemetry,
  to: ProviderCluster,
  serviceName: string,
  more: { readonly maxPathTagLength?: number },
): Tracer | undefined {
  const { http, grpc, resourceDetectors: detectors, dynatraceSampler: sampling } = settings;
  const sampler = sampling && dynatraceSampler(scope, sampling, http, to);
  if (sampling && !sampler) return undefined;
  const timeout = ms(grpc?.timeout);
  const config = anyOf(OpenTelemetryConfigSchema, {
    serviceName,
    ...(http
      ? { httpService: httpService(to, http, ms(http.timeout) ?? HTTP_TIMEOUT_MS) }
      : {
          grpcService: {
            targetSpecifier: { case: "envoyGrpc" as const, value: to },
            ...(timeout === undefined ? {} : { timeout: durationOf(timeout) }),
            initialMetadata: (grpc?.initialMetadata ?? []).map(({ name, value = "" }) => ({ key: name, value })),
          },
        }),
    resourceDetectors: [
      ...(detectors?.environment ? [detector("environment", anyOf(EnvironmentResourceDetectorConfigSchema, {}))] : []),
      ...(detectors?.dynatrace ? [detector("dynatrace", anyOf(DynatraceResourceDetectorConfigSchema, {}))] : []),
    ],
    ...(sampler ? { sampler } : {}),
  });
  return { name: "envoy.tracers.opentelemetry", config, ...more, ...(sampler ? { ownSampler: true } : {}) };
}

function detector(name: string, typedConfig: Any) {
  return { name: `envoy.tracers.opentelemetry.resource_detectors.${name}`, typedConfig };
}

function dynatraceSampler(
  scope: Scope,
  { tenant, clusterId, rootSpansPerMinute, httpService: api }: NonNullable<OpenTelemetry["dynatraceSampler"]>,
  http: Http | undefined,
  collector: ProviderCluster,
) {
  const to = api ? providerCluster(scope, api) : collector;
  const service = api ? api.http : http && { ...http, path: "/api/v2/samplingConfiguration" };
  if (!to || !service) return undefined;
  return {
    name: "envoy.tracers.opentelemetry.samplers.dynatrace",
    typedConfig: anyOf(DynatraceSamplerConfigSchema, {
      tenant,
      clusterId: clusterId as number,
      httpService: httpService(to, service, ms(service.timeout) ?? HTTP_TIMEOUT_MS),
      rootSpansPerMinute: rootSpansPerMinute ?? 0,
    }),
  };
}

function httpService(
  { clusterName, authority }: ProviderCluster,
  { path, headers = [] }: { readonly path: string; readonly headers?: readonly Header[] },
  timeoutMs: number,
): HttpService {
  return {
    httpUri: {
      uri: `http://${authority}${path}`,
      httpUpstreamType: { case: "cluster", value: clusterName },
      timeout: durationOf(timeoutMs),
    },
    requestHeadersToAdd: headers
      .filter(({ value }) => value !== undefined)
      .map(({ name, value = "" }) => ({
        header: { key: name, value },
        appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD,
      })),
  };
}
