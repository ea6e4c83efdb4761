import type {
  ExtensionProvider,
  LocalityLbSetting,
  MeshConfigSpec,
  MeshNetworks,
  ProxyConfig,
} from "@xebec/model-resources";
import type { JwksFetch } from "../../options.ts";

/** What providers are for. */
export type ProviderSignal = "tracing" | "metrics" | "accessLogging";

/** What proxies do with paths before they compare them. */
export type PathNormalization = "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";

/** Mesh-wide settings with their defaults (docs/reference/pilot.md §3.13; today's where 1.1's differ). */
export interface Mesh {
  /** Where the services of the control plane are. */
  readonly systemNamespace: string;
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Other trust domains whose identities count as the mesh's own. */
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** Services that policies and telemetry name: those of the mesh configuration, then Istio's own. */
  readonly extensionProviders: readonly ExtensionProvider[];
  /** DNS suffix of Kubernetes services. */
  readonly domain: string;
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly accessLogEncoding: "TEXT" | "JSON";
  readonly accessLogService: boolean;
  readonly listenerLog: boolean;
  readonly enableTracing: boolean;
  /** What holds for proxies that do not say otherwise. */
  readonly proxyConfig: ProxyConfig;
  readonly defaultProviders: Readonly<Record<ProviderSignal, readonly string[]>>;
  readonly connectTimeoutMs: number;
  /** How long a proxy waits for the first bytes of a connection; undefined where nobody says. */
  readonly detectionTimeoutMs?: number;
  readonly dnsRefreshMs: number;
  readonly tcpKeepalive?: MeshConfigSpec["tcpKeepalive"];
  /** HTTP/2 to endpoints of HTTP/1.1. */
  readonly http2: boolean;
  readonly retries?: MeshConfigSpec["defaultHttpRetryPolicy"];
  /** Who sees objects without `exportTo`; everybody where it is empty. */
  readonly exportTo: Readonly<Record<"service" | "virtualService" | "destinationRule", readonly string[]>>;
  /** TLS in the mesh, and elsewhere. */
  readonly meshTls: NonNullable<MeshConfigSpec["meshMTLS"]>;
  readonly otherTls: NonNullable<MeshConfigSpec["tlsDefaults"]>;
  /** Containers listen on 127.0.0.1. */
  readonly toLocalhost: boolean;
  readonly ports: { readonly outbound: number; readonly inbound: number; readonly httpProxy: number };
  /** Patterns; empty for the names of clusters. */
  readonly statNames: { readonly inbound: string; readonly outbound: string };
  readonly autoMtls: boolean;
  /** Locality load balancing, where no DestinationRule says. */
  readonly localityLb: LocalityLbSetting;
  /** The networks of the mesh, by their names; empty where nobody names any. */
  readonly networks: NonNullable<MeshNetworks["networks"]>;
  readonly allowAnyOutbound: boolean;
  readonly policyCheckFailOpen: boolean;
  readonly disablePolicyChecks: boolean;
  readonly disableReports: boolean;
  /** Reports are sent until they are acknowledged. */
  readonly durableReports: boolean;
  /** Proxies take HTTP/1.0 from their clients. */
  readonly http10: boolean;
  /** Routers serve the Gateways of their own namespace alone. */
  readonly ownNamespaceGateways: boolean;
  /** Who fetches the keys that verify tokens. */
  readonly jwksFetch: JwksFetch;
  /** Fields of the mesh configuration that have no effect, as `path: why`. */
  readonly unsupportedFields: readonly string[];
  /** Key of the object that it came from, if from one. */
  readonly configKey?: string;
}

export interface MeshState {
  readonly mesh: Mesh;
}

export const meshKeys = { mesh: "mesh" } as const;

/** The sorts of providers for each signal. */
export const PROVIDER_SIGNALS = {
  tracing: ["zipkin", "opentelemetry", "datadog", "skywalking"],
  metrics: ["prometheus"],
  accessLogging: ["envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls", "envoyOtelAls"],
} as const satisfies Record<ProviderSignal, readonly (keyof ExtensionProvider)[]>;

/** Providers that there are in every mesh. */
export const BUILT_IN_PROVIDERS: readonly ExtensionProvider[] = [
  { name: "prometheus", prometheus: {} },
  { name: "stackdriver", stackdriver: {} },
  { name: "envoy", envoyFileAccessLog: { path: "/dev/stdout" } },
];

/** A provider by its name, whatever its case. */
export function providerNamed(
  { extensionProviders }: Pick<Mesh, "extensionProviders">,
  name: string,
): ExtensionProvider | undefined {
  return extensionProviders.find((each) => each.name.toLowerCase() === name.toLowerCase());
}

/** The name of the field that says what a provider is. */
export function providerSort({ name: _name, ...sorts }: ExtensionProvider): string {
  return Object.keys(sorts)[0] ?? "";
}
