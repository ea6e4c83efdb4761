import { isAbsolute } from "node:path";
import {
  type Check,
  type ConfigOf,
  defineConfig,
  type IgnoredFlag,
  isAddress,
  isDirectory,
  option,
  parseAddress,
} from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { parseGoDuration } from "@xebec/model-attributes";
import { trustDomainOf } from "@xebec/model-names";
import type { ListenAddress } from "@xebec/platform-grpc";
import { networkSyntaxError } from "@xebec/platform-http/guarded";
import type { LoadSheddingOptions } from "./load-shedding.ts";

const areDirectories: Check = (value) =>
  (value as readonly string[])
    .map((each) => (isAbsolute(each) ? undefined : `"${each}" is not an absolute path`))
    .find(Boolean);
const areAdapterPorts: Check = (value) =>
  (value as readonly string[])
    .map((each) => {
      const [, address] = /^[\w.-]+\/[\w.-]+=(.*)$/.exec(each) ?? [];
      if (address === undefined) return `"${each}" is not ADAPTER/PORT=ADDRESS`;
      return address === "" ? undefined : isAddress(address);
    })
    .find(Boolean);
const isDuration: Check = (value) =>
  (parseGoDuration(String(value)) ?? -1n) < 0n
    ? `"${String(value)}" is not a duration; write for example 10m`
    : undefined;
const areNetworks: Check = (value) => (value as readonly string[]).map(networkSyntaxError).find(Boolean);

/** Flags of both Mixer services, with the names of Istio 1.1's `mixs server` (docs/reference/mixer.md §8.2). */
const common = {
  port: option.port("port of the gRPC services", 9091),
  address: option.string("where the gRPC services listen instead: tcp://HOST:PORT, HOST:PORT or unix:///PATH", ""),
  secureAddr: option.addressOrNone("address of the gRPC services over mutual TLS; empty for none", ":15004"),
  monitoringPort: option.port("port of metrics, health, version and log levels", 15_014),
  monitoringAddress: option.string("address that the monitoring port binds", "0.0.0.0"),
  maxMessageSize: option.number("largest message received, in bytes", 1_048_576),
  maxConcurrentStreams: option.number("most calls at a time on one connection", 1024),
  configStoreURL: option.string(
    "where the configuration is: fs://DIRECTORY, nats://HOST:PORT for the bus, mcp://HOST:PORT or mcps://HOST:PORT for galley's MCP, k8s://KUBECONFIG for an API server (k8s:// in a pod)",
  ),
  certFile: option.string("certificate for mcps://, without --caAddr", "/etc/certs/cert-chain.pem"),
  keyFile: option.string("its private key", "/etc/certs/key.pem"),
  caCertFile: option.string("roots of the servers' certificates", "/etc/certs/root-cert.pem"),
  domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
  namespace: option.string("namespace of the control plane, for the name in the certificate", "istio-system", {
    env: "POD_NAMESPACE",
  }),
  configDefaultNamespace: option.string("rules of this namespace hold for all requests", "istio-system"),
  useAdapterCRDs: option.boolean("take handlers whose kind is an adapter's name", true),
  busURL: option.servers("NATS servers that carry configuration and workloads, nats://HOST:PORT"),
  busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
  busKeysFile: option.string("file with the public nkeys of all services, to verify who wrote a signed bucket"),
  busCAFile: option.string(
    "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
  ),
  caAddr: option.address("citadel's address, HOST:PORT, to get the certificate of the secure port from"),
  caRootFile: option.string("root certificate to verify citadel with"),
  caTokenFile: option.string("file with the token that proves to citadel who this is"),
  "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local", { read: trustDomainOf }),
  stateDir: option.string("directory of the last known good state and of the certificate"),
  handlerDirs: option.list("directories below which handlers may write files; none: they write no files", [], {
    check: areDirectories,
  }),
  handlerNetworks: option.list(
    "networks that handlers may call although they are this machine's or its link's: 127.0.0.1, 169.254.0.0/16",
    [],
    { check: areNetworks },
  ),
  adapter: option.list("adapters from outside: a folder, or the name of an npm package", []),
  adapterReload: option.boolean("load adapters from outside again when their files change", false),
  handlerSecretDirs: option.list("directories below which handlers may read secrets", [], { check: areDirectories }),
  adapterPort: option.list(
    "where a port of an adapter listens, ADAPTER/PORT=ADDRESS (prometheus/metrics=:42422); no address: it stays closed",
    [],
    { check: areAdapterPorts },
  ),
  loadsheddingMode: option.oneOf("what to do when overloaded", ["disabled", "logonly", "enforce"], "disabled"),
  averageLatencyThreshold: option.string("overloaded while the average answer takes this long; 0s: never", "0s"),
  latencySamplesPerSecond: option.number("most answers measured per second", Number.MAX_VALUE),
  latencySampleHalflife: option.string("after this time a measured answer counts half", "1s"),
  maxRequestsPerSecond: option.number("overloaded above this rate; 0: never", 0),
  burstSize: option.number("requests that may come at once above the rate; 0: as many as one second has", 0),
  log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
};

/**
 * Flags of `mixs server` for what there is not here: worker threads, a cache of checks (only clients cache), profiles (Node.js has
 * `--cpu-prof`), and tracers other than OpenTelemetry, which has its own variables.
 */
const ignored: Readonly<Record<string, IgnoredFlag>> = {
  ...{ apiWorkerPoolSize: "value", adapterWorkerPoolSize: "value", singleThreaded: "switch" },
  ...{ numCheckCacheEntries: "value", profile: "switch" },
  ...{ trace_zipkin_url: "value", trace_jaeger_url: "value", trace_log_spans: "switch", trace_sampling_rate: "value" },
};

/** Flags of mixer-policy. */
export const PolicyConfig = defineConfig({
  service: "mixer-policy",
  summary: "decides about requests: Mixer's Check and Envoy's ext_authz",
  options: common,
  ignored,
});

/** Flags of mixer-telemetry. */
export const TelemetryConfig = defineConfig({
  service: "mixer-telemetry",
  summary: "takes telemetry in: Mixer's Report and Envoy's access logs",
  options: {
    ...common,
    prometheusAddr: option.addressOrNone("address of the prometheus adapter's metrics; empty for none", ":42422"),
    metricsExpiryDuration: option.string(
      "standard metrics that were not counted for so long are forgotten; 0s: never",
      "0s",
      {
        check: isDuration,
      },
    ),
  },
  ignored,
});

export type MixerConfig = ConfigOf<typeof PolicyConfig>;

/** Where the configuration comes from. */
export interface ConfigStore {
  /** A directory of YAML files; then no bus is needed. */
  readonly dir: string | undefined;
  readonly busURL: readonly string[];
  /** `mcp://HOST:PORT` or `mcps://HOST:PORT`. */
  readonly mcp?: string;
  /** An API server; the service account of the pod when there is no file. */
  readonly kubernetes?: { readonly kubeconfig: string | undefined };
}

/**
 * Reads `--configStoreURL` and `--busURL`.
 * @throws XebecError invalid_argument for a store that is not available
 */
export function configStoreOf({ configStoreURL, busURL }: Pick<MixerConfig, "configStoreURL" | "busURL">): ConfigStore {
  if (!configStoreURL) return { dir: undefined, busURL };
  if (configStoreURL.startsWith("fs://")) {
    const dir = configStoreURL.slice(5);
    if (dir === "")
      throw new XebecError("invalid_argument", "--configStoreURL: fs:// needs a directory, fs:///etc/config");
    return { dir, busURL };
  }
  if (/^(?:nats|tls|ws|wss):\/\//.test(configStoreURL)) return { dir: undefined, busURL: [configStoreURL, ...busURL] };
  if (busURL.length > 0 && /^(?:mcps?|k8s):\/\//.test(configStoreURL))
    throw new XebecError(
      "invalid_argument",
      "--configStoreURL: with --busURL galley publishes on the bus; give one of them",
    );
  if (/^mcps?:\/\//.test(configStoreURL)) return { dir: undefined, busURL, mcp: configStoreURL };
  if (configStoreURL.startsWith("k8s://"))
    return { dir: undefined, busURL, kubernetes: kubernetesStore(configStoreURL) };
  throw new XebecError(
    "invalid_argument",
    `--configStoreURL: "${configStoreURL}" is not a store that this service can read; use fs://DIRECTORY, nats://HOST:PORT, mcp://HOST:PORT or k8s://KUBECONFIG`,
  );
}

/** `k8s://`, `k8s:///root/.kube/config` (Istio 1.1), or `k8s://?kubeconfig=/root/.kube/config`. */
function kubernetesStore(text: string): { readonly kubeconfig: string | undefined } {
  const [path = "", query = ""] = text.slice("k8s://".length).split("?");
  const file = path || new URLSearchParams(query).get("kubeconfig") || undefined;
  if (file !== undefined && !isAbsolute(file))
    throw new XebecError("invalid_argument", `--configStoreURL: "${file}" is not an absolute path of a kubeconfig`);
  return { kubeconfig: file };
}

/** Checks what the options' types do not show. @throws XebecError invalid_argument */
export function checkMixerConfig(config: MixerConfig): void {
  const { dir } = configStoreOf(config);
  const problem = dir === undefined ? undefined : isDirectory(dir);
  if (problem !== undefined) throw new XebecError("invalid_argument", `--configStoreURL: ${problem}`);
  listenAddressOf(config);
  loadSheddingOf(config);
}

/** Where the plaintext port listens. @throws XebecError invalid_argument */
export function listenAddressOf({ address, port }: Pick<MixerConfig, "address" | "port">): ListenAddress {
  if (address === "") return { host: "0.0.0.0", port };
  const unix = /^unix:\/\/(.+)$/.exec(address);
  if (unix) return { path: unix[1] as string };
  const text = address.replace(/^tcp:\/\//, "");
  const problem = isAddress(text);
  if (problem !== undefined) throw new XebecError("invalid_argument", `--address: ${problem}`);
  return parseAddress(text);
}

/** Where ports of adapters listen, by `ADAPTER/PORT`. */
export function adapterPortsOf({ adapterPort }: Pick<MixerConfig, "adapterPort">): Record<string, string> {
  return Object.fromEntries(
    adapterPort.map((each) => {
      const at = each.indexOf("=");
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

/** After which time a standard metric is forgotten, in milliseconds; 0: never. */
export function metricsExpiryMs({ metricsExpiryDuration }: { readonly metricsExpiryDuration: string }): number {
  return Number(parseGoDuration(metricsExpiryDuration) ?? 0n) / 1e6;
}

/** The flags of load shedding. @throws XebecError invalid_argument for string that is not a duration */
export function loadSheddingOf(config: MixerConfig): LoadSheddingOptions {
  const ms = (flag: "averageLatencyThreshold" | "latencySampleHalflife"): number => {
    const nanos = parseGoDuration(config[flag]);
    if (nanos === undefined)
      throw new XebecError(
        "invalid_argument",
        `--${flag}: "${config[flag]}" is not a duration; write for example 100ms`,
      );
    return Number(nanos) / 1e6;
  };
  return {
    mode: config.loadsheddingMode,
    averageLatencyMs: ms("averageLatencyThreshold"),
    samplesPerSecond: config.latencySamplesPerSecond,
    sampleHalfLifeMs: ms("latencySampleHalflife"),
    maxRequestsPerSecond: config.maxRequestsPerSecond,
    burst: config.burstSize,
  };
}
