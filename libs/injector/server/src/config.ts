import { type ConfigOf, defineConfig, option } from "@xebec/core-config";

/** The injector's flags, with Istio 1.1's names (docs/reference/platform.md §4.1). */
export const InjectorConfig = defineConfig({
  service: "sidecar-injector",
  summary: "gives pods their sidecar, as a mutating webhook",
  options: {
    injectConfig: option.string("file with policy, selectors and templates; the built-in templates when left out"),
    valuesFile: option.string("YAML or JSON file with the values of the templates"),
    meshConfig: option.string("file with the mesh configuration, for what the bus does not say"),
    revision: option.string("revision that this injector is of, when the values name none", "", { env: "REVISION" }),
    nativeSidecars: option.oneOf(
      "proxies are native sidecars where a pod does not say it; auto: when every kubelet is 1.33 or later",
      ["true", "false", "auto"],
      "false",
      { env: "ENABLE_NATIVE_SIDECARS" },
    ),
    busURL: option.servers("NATS servers that carry the mesh configuration and ProxyConfigs, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services"),
    busCAFile: option.string(
      "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
    ),
    address: option.string("address that the webhook binds", "0.0.0.0"),
    port: option.port("port of the webhook (Istio's 443 is the Service's port)", 15017),
    webhookConfigName: option.string(
      "MutatingWebhookConfiguration whose caBundle is kept right, beside those of the revision",
      "istio-sidecar-injector",
    ),
    webhookName: option.string("what the names of its webhooks end with", "sidecar-injector.istio.io"),
    serviceName: option.string("name of the webhook's Service", "istio-sidecar-injector"),
    namespace: option.string("namespace of the webhook's Service", "istio-system", { env: "POD_NAMESPACE" }),
    reconcileWebhookConfig: option.boolean("keep the caBundle of the webhook configurations right", true),
    audit: option.boolean("name pods of the cluster that should have a proxy and have none, or an old one", true),
    kubeconfig: option.string("kubeconfig of the API server; without it the service account of the pod"),
    tlsCertFile: option.string("certificate chain of the webhook"),
    tlsKeyFile: option.string("private key of the webhook"),
    caCertFile: option.string("roots of the webhook's certificate, for API servers; with certificate files"),
    caAddr: option.address(
      "citadel's address, HOST:PORT, to get the webhook's certificate from when no files are given",
    ),
    caRootFile: option.string("root certificate to verify citadel with"),
    caTokenFile: option.string("file with the token that proves to citadel who this is"),
    stateDir: option.string("directory of the certificate and of the last known good configuration"),
    monitoringAddress: option.string("address that the monitoring port binds", "0.0.0.0"),
    monitoringPort: option.port("port of metrics, health and log levels", 15014),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});

/** Whether an API server is there to talk to: in a cluster, or with a kubeconfig. */
export function hasCluster(
  flags: ConfigOf<typeof InjectorConfig>,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return flags.kubeconfig !== undefined || environment.KUBERNETES_SERVICE_HOST !== undefined;
}
