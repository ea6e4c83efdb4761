import { type Check, ConfigError, type ConfigOf, defineConfig, isAddress, option } from "@xebec/core-config";

/** Where configuration comes from. */
export const CONFIG_SOURCES = ["directory", "kubernetes"] as const;
export type ConfigSourceName = (typeof CONFIG_SOURCES)[number];
/** What publishes services and pods. */
export const REGISTRIES = ["Kubernetes", "none"] as const;

const areOf =
  (known: readonly string[]): Check =>
  (value) => {
    const wrong = (value as readonly string[]).find((each) => !known.includes(each));
    return wrong === undefined ? undefined : `"${wrong}" is not one of ${known.join(", ")}`;
  };
const areSources = areOf(CONFIG_SOURCES);
const areRegistries = areOf(REGISTRIES);

const isTcp: Check = (value) =>
  String(value).startsWith("tcp://") ? isAddress(String(value).slice(6)) : "write tcp://HOST:PORT";
const isSinkAuth: Check = (value) =>
  value === "NONE" || value === "" ? undefined : `"${value}" is not served; write NONE`;
const arePairs: Check = (value) => {
  const wrong = (value as readonly string[]).find((each) => !/^[^=]+=/.test(each));
  return wrong === undefined ? undefined : `"${wrong}" is not key=value`;
};

/** Galley's flags, with Istio 1.1's names (docs/reference/platform.md §3.2). */
export const GalleyConfig = defineConfig({
  service: "galley",
  summary: "takes configuration in, validates it, and publishes it",
  options: {
    configPath: option.directory("directory of YAML files to watch"),
    configSource: option.list(
      "where configuration comes from, the first one wins: directory (--configPath), kubernetes; the directory when it is left out",
      [],
      { check: areSources },
    ),
    kubeconfig: option.string("kubeconfig of the API server; without it the service account of the pod"),
    registries: option.list(
      "what publishes services and pods on the bus: Kubernetes, or none; Kubernetes with --configSource kubernetes",
      [],
      { check: areRegistries },
    ),
    enableStatus: option.boolean("write conditions into the status of the objects of the API server", false, {
      env: "PILOT_ENABLE_STATUS",
    }),
    "deployment-namespace": option.string("namespace of the control plane and of the config map istio", "istio-system"),
    busURL: option.servers("NATS servers to publish to, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services, to verify who wrote a signed bucket"),
    busCAFile: option.string(
      "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
    ),
    adapter: option.list(
      "Mixer's adapters from outside, to validate their handlers: a folder, or the name of an npm package",
      [],
    ),
    adapterReload: option.boolean("load them again when their files change", false),
    "enable-validation": option.boolean("serve the validating webhook", true),
    "validation-address": option.string("address that the webhook binds", "0.0.0.0"),
    "validation-port": option.port("port of the webhook (Istio's 443 is the Service's port)", 9443),
    "validation-url": option.string("URL at which API servers reach the webhook; absent: the Service --service-name"),
    "enable-reconcileWebhookConfiguration": option.boolean(
      "register the webhook at the API server, and keep the registration right",
      true,
    ),
    "webhook-name": option.string("name of the ValidatingWebhookConfiguration", "istio-galley"),
    "service-name": option.string("name of the webhook's Service", "istio-galley"),
    "deployment-name": option.string("name of the Deployment; its ClusterRole is NAME-NAMESPACE", "istio-galley"),
    tlsCertFile: option.string("certificate chain of the webhook"),
    tlsKeyFile: option.string("private key of the webhook"),
    caCertFile: option.string("roots of the webhook's certificate, for API servers; with certificate files"),
    caAddr: option.address(
      "citadel's address, HOST:PORT, to get the webhook's certificate from when no files are given",
    ),
    caRootFile: option.string("root certificate to verify citadel with"),
    caTokenFile: option.string("file with the token that proves to citadel who this is"),
    "enable-server": option.boolean("serve the configuration over MCP"),
    "server-address": option.string("where MCP is served, tcp://HOST:PORT", "tcp://0.0.0.0:9901", { check: isTcp }),
    insecure: option.boolean("MCP without TLS: whoever connects may read the configuration"),
    accessListFile: option.string(
      "file that says which identities may take the configuration over MCP; without it everybody with a certificate",
      "/etc/config/accesslist.yaml",
    ),
    "server-maxReceivedMessageSize": option.number("largest message received over MCP, in bytes", 1 << 20),
    "server-maxConcurrentStreams": option.number("most streams of one MCP connection", 1_024),
    sinkAddress: option.address("MCP sink to which the configuration is sent, HOST:PORT"),
    sinkAuthMode: option.string("how galley signs in there: NONE", "", { check: isSinkAuth }),
    sinkMeta: option.list("metadata of that call, key=value", [], { check: arePairs }),
    monitoringAddress: option.string("address that the monitoring port binds", "0.0.0.0"),
    monitoringPort: option.port("port of metrics, health and log levels", 15014),
    domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
    stateDir: option.string("directory of the last known good objects"),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
  subcommand: "server",
  // Flags of Istio 1.1's charts that change nothing: the config map istio is read live, probes are those of the monitoring port.
  ignored: {
    ...{
      meshConfigFile: "value",
      "validation-webhook-config-file": "value",
      resyncPeriod: "value",
    },
    ...{ livenessProbePath: "value", livenessProbeInterval: "value", readinessProbePath: "value" },
    ...{ readinessProbeInterval: "value", disableResourceReadyCheck: "switch" },
    ...{ pprofPort: "value", enableProfiling: "switch", ctrlz_port: "value", ctrlz_address: "value" },
    ...{ log_as_json: "switch", log_target: "value", log_caller: "value", log_stacktrace_level: "value" },
    ...{
      log_rotate: "value",
      log_rotate_max_age: "value",
      log_rotate_max_backups: "value",
      log_rotate_max_size: "value",
    },
  },
});

export type GalleyFlags = ConfigOf<typeof GalleyConfig>;

/** Finds what no single option shows. @throws ConfigError with every error */
export function checkGalleyConfig(config: GalleyFlags): void {
  const { insecure, tlsCertFile, caAddr, caCertFile, sinkAddress, sinkAuthMode } = config;
  const errors: string[] = [];
  if (config["enable-server"] && !insecure && !caAddr && !(tlsCertFile && caCertFile))
    errors.push(
      "--enable-server: clients of MCP are verified: give --caAddr, or --tlsCertFile, --tlsKeyFile and --caCertFile, or --insecure",
    );
  if (sinkAddress && sinkAuthMode !== "NONE") errors.push("--sinkAddress needs --sinkAuthMode=NONE");
  if (errors.length > 0) throw new ConfigError(GalleyConfig.service, errors);
}

/** Where configuration comes from by the flags, in the order of precedence. */
export function configSourcesOf({ configSource, configPath }: GalleyFlags): readonly ConfigSourceName[] {
  if (configSource.length > 0) return configSource as readonly ConfigSourceName[];
  return configPath ? ["directory"] : [];
}

/** Whether services and pods are published from an API server. */
export function publishesWorkloads(flags: GalleyFlags): boolean {
  if (flags.registries.length > 0) return flags.registries.includes("Kubernetes");
  return configSourcesOf(flags).includes("kubernetes");
}

/** Whether an API server is needed. */
export function needsKubernetes(flags: GalleyFlags): boolean {
  return configSourcesOf(flags).includes("kubernetes") || publishesWorkloads(flags);
}

/** Whether the webhook is registered at an API server: in a cluster, or with a kubeconfig. */
export function managesWebhook(flags: GalleyFlags, environment: Readonly<Record<string, string | undefined>>): boolean {
  if (!flags["enable-validation"] || !flags["enable-reconcileWebhookConfiguration"]) return false;
  return flags.kubeconfig !== undefined || environment.KUBERNETES_SERVICE_HOST !== undefined;
}
