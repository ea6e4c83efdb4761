import { parseDuration } from "@xebec/core-duration";
import {
  type ExtensionProvider,
  ineffectiveFields,
  keyOf,
  type MeshConfigSpec,
  meshConfigKey,
  type Resource,
} from "@xebec/model-resources";
import type { HostAddressState } from "../../network-gateways/host-addresses.ts";
import { gatewayProblems } from "../../network-gateways/network-gateways.ts";
import type { SnapshotOptions } from "../../options.ts";
import type { ServiceState } from "../../services/services.ts";
import { attached } from "../conditions.ts";
import type { ConfigKind } from "../kind.ts";
import { comparedLabels } from "../shared/failover-labels.ts";
import { unusable } from "../telemetry/providers.ts";
import { findProviderService, type ProviderServiceReference } from "./provider-service.ts";
import { BUILT_IN_PROVIDERS, type Mesh, type MeshState, meshKeys, providerSort } from "./state.ts";

const SYSTEM_NAMESPACE = "istio-system";

export const meshConfigKind = {
  group: "mesh.xebec.io",
  kind: "MeshConfig",
  keys: meshKeys,
  initial: (options): MeshState => ({ mesh: meshOf(options.mesh, options) }),
  make(resource, options) {
    const key = keyOf(resource);
    return key === meshConfigKey(options.systemNamespace ?? SYSTEM_NAMESPACE)
      ? { ...meshOf((resource as Resource<MeshConfigSpec>).spec, options), configKey: key }
      : undefined;
  },
  selectorLabels: ({ localityLb }) => comparedLabels(localityLb.failoverPriority),
  replace({ state, changed }, _before, after, options) {
    state.mesh = after ?? meshOf(options.mesh, options);
    changed.add(meshKeys.mesh);
  },
  *parts({ mesh }) {
    yield [meshKeys.mesh, mesh];
  },
  *conditions(snapshot) {
    const { configKey, unsupportedFields } = snapshot.mesh;
    if (configKey !== undefined)
      yield attached(configKey, [...unresolvedProviders(snapshot), ...gatewayProblems(snapshot), ...unsupportedFields]);
  },
} satisfies ConfigKind<Mesh, MeshState, MeshState & ServiceState & HostAddressState>;

const NO_NAMES: readonly string[] = [];
const NO_PROXY_CONFIG = {};

/** Istio takes all of it but the time for one try. */
function withoutTryTimeout({ perTryTimeout: _own, ...retries }: NonNullable<MeshConfigSpec["defaultHttpRetryPolicy"]>) {
  return retries;
}

/** The user's own come first: they take the place of Istio's of the same name. */
function withBuiltIn(providers: readonly ExtensionProvider[]): readonly ExtensionProvider[] {
  const own = new Set(providers.map(({ name }) => name.toLowerCase()));
  return [...providers, ...BUILT_IN_PROVIDERS.filter(({ name }) => !own.has(name))];
}

/** Services of providers that nobody knows, and default providers that are none, as `path: why`. */
function unresolvedProviders(snapshot: MeshState & ServiceState): string[] {
  const { mesh } = snapshot;
  const services = mesh.extensionProviders.flatMap((provider, i) => {
    const sort = providerSort(provider);
    const settings = provider[sort as keyof ExtensionProvider] as Partial<ProviderServiceReference>;
    const { service, port } = settings;
    if (service === undefined || port === undefined || sort === "sds") return [];
    const result = findProviderService(snapshot, { service, port });
    return "error" in result ? [`spec.extensionProviders[${i}].${sort}.service: ${result.error}`] : [];
  });
  const defaults = (["tracing", "metrics", "accessLogging"] as const).flatMap((signal) =>
    mesh.defaultProviders[signal].flatMap((name, i) => {
      const why = unusable(name, signal, mesh);
      return why ? [`spec.defaultProviders.${signal}[${i}]: ${why}`] : [];
    }),
  );
  return [...services, ...defaults];
}

/** @param spec absent means all defaults */
export function meshOf(
  spec: MeshConfigSpec | undefined,
  {
    domain,
    trustDomain,
    systemNamespace = SYSTEM_NAMESPACE,
    http10 = false,
    ownNamespaceGateways = false,
    jwksFetch = "istiod",
    mesh,
  }: SnapshotOptions,
): Mesh {
  const normalization = spec?.pathNormalization?.normalization ?? "DEFAULT";
  const detection =
    spec?.protocolDetectionTimeout === undefined ? undefined : parseDuration(spec.protocolDetectionTimeout);
  return {
    unsupportedFields: spec ? ineffectiveFields("mesh.xebec.io", "MeshConfig", spec) : [],
    systemNamespace,
    rootNamespace: spec?.rootNamespace ?? systemNamespace,
    trustDomain: spec?.trustDomain || trustDomain,
    trustDomainAliases: spec?.trustDomainAliases ?? [],
    pathNormalization: normalization === "DEFAULT" ? "BASE" : normalization,
    domain,
    http10,
    ownNamespaceGateways,
    jwksFetch,
    accessLogFile: spec?.accessLogFile ?? "",
    accessLogFormat: spec?.accessLogFormat ?? "",
    accessLogEncoding: spec?.accessLogEncoding ?? "TEXT",
    accessLogService: spec?.enableEnvoyAccessLogService ?? false,
    listenerLog: !spec?.disableEnvoyListenerLog,
    enableTracing: spec?.enableTracing ?? true,
    proxyConfig: spec?.defaultConfig ?? NO_PROXY_CONFIG,
    extensionProviders: spec?.extensionProviders ? withBuiltIn(spec.extensionProviders) : BUILT_IN_PROVIDERS,
    defaultProviders: {
      tracing: spec?.defaultProviders?.tracing ?? NO_NAMES,
      metrics: spec?.defaultProviders?.metrics ?? NO_NAMES,
      accessLogging: spec?.defaultProviders?.accessLogging ?? NO_NAMES,
    },
    connectTimeoutMs: (spec?.connectTimeout && parseDuration(spec.connectTimeout)) || 10_000,
    ...(detection === undefined ? {} : { detectionTimeoutMs: detection }),
    dnsRefreshMs: (spec?.dnsRefreshRate && parseDuration(spec.dnsRefreshRate)) || 60_000,
    ...(spec?.tcpKeepalive ? { tcpKeepalive: spec.tcpKeepalive } : {}),
    http2: spec?.h2UpgradePolicy === "UPGRADE",
    ...(spec?.defaultHttpRetryPolicy ? { retries: withoutTryTimeout(spec.defaultHttpRetryPolicy) } : {}),
    exportTo: {
      service: spec?.defaultServiceExportTo ?? NO_NAMES,
      virtualService: spec?.defaultVirtualServiceExportTo ?? NO_NAMES,
      destinationRule: spec?.defaultDestinationRuleExportTo ?? NO_NAMES,
    },
    meshTls: spec?.meshMTLS ?? {},
    otherTls: spec?.tlsDefaults ?? {},
    toLocalhost: spec?.inboundTrafficPolicy?.mode === "LOCALHOST",
    ports: {
      outbound: spec?.proxyListenPort ?? 15_001,
      inbound: spec?.proxyInboundListenPort ?? 15_006,
      httpProxy: spec?.proxyHttpPort ?? 0,
    },
    statNames: { inbound: spec?.inboundClusterStatName ?? "", outbound: spec?.outboundClusterStatName ?? "" },
    autoMtls: spec?.enableAutoMtls ?? true,
    localityLb: spec?.localityLbSetting ?? {},
    networks: (spec?.meshNetworks ?? mesh?.meshNetworks)?.networks ?? {},
    allowAnyOutbound: spec?.outboundTrafficPolicy?.mode !== "REGISTRY_ONLY",
    policyCheckFailOpen: spec?.policyCheckFailOpen ?? false,
    disablePolicyChecks: spec?.disablePolicyChecks ?? false,
    disableReports: spec?.disableReports ?? false,
    durableReports: spec?.durableReports ?? false,
  };
}
