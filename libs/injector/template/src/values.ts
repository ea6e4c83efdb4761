import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";
import { at, type Fields, isFields, overlay } from "./fields.ts";

/** What an installation sets, with Istio's names: templates have them as `.Values` (docs/reference/platform.md §7.2). */
export type InjectValues = Fields;

export const DEFAULT_VALUES: InjectValues = {
  global: {
    hub: "xebec",
    tag: "",
    istioNamespace: "istio-system",
    trustDomain: "cluster.local",
    caAddress: "",
    pilotCertProvider: "istiod",
    imagePullPolicy: "",
    imagePullSecrets: [],
    logAsJson: false,
    logging: { level: "default:info" },
    meshID: "",
    network: "",
    multiCluster: { clusterName: "Kubernetes" },
    podDNSSearchNamespaces: [],
    sds: { token: { aud: "istio-ca" } },
    proxy: {
      image: "proxyv2",
      clusterDomain: "cluster.local",
      logLevel: "warning",
      componentLogLevel: "misc:error",
      statusPort: 15_020,
      privileged: false,
      enableCoreDump: false,
      holdApplicationUntilProxyStarts: false,
      readinessInitialDelaySeconds: 0,
      readinessPeriodSeconds: 15,
      readinessFailureThreshold: 4,
      startupProbe: { enabled: true, failureThreshold: 600 },
      includeIPRanges: "*",
      excludeIPRanges: "",
      includeInboundPorts: "*",
      excludeInboundPorts: "",
      includeOutboundPorts: "",
      excludeOutboundPorts: "",
      resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "2", memory: "1Gi" } },
    },
    proxy_init: {
      image: "proxy-init",
      forceApplyIptables: false,
      resources: { requests: { cpu: "10m", memory: "10Mi" }, limits: { cpu: "100m", memory: "50Mi" } },
    },
  },
  pilot: { cni: { enabled: false, chained: true } },
  sidecarInjectorWebhook: { rewriteAppHTTPProbe: true },
  revision: "",
};

/**
 * Reads the values of an installation.
 * @param source where the text is from, for messages
 * @throws XebecError invalid_argument
 */
export function readValues(text: string, source: string): InjectValues {
  let value: unknown;
  try {
    value = readYaml(text) ?? {};
  } catch (error) {
    throw new XebecError("invalid_argument", `${source}: ${(error as Error).message}`);
  }
  if (!isFields(value)) throw new XebecError("invalid_argument", `${source}: must be a map of values`);
  return withDefaults(value);
}

/** The values that an installation sets, over the defaults. Names of Istio 1.1 count as today's. */
export function withDefaults(values: Fields): InjectValues {
  const cni = at(values, "istio_cni");
  const merged = overlay(overlay(DEFAULT_VALUES, isFields(cni) ? { pilot: { cni } } : {}), values) as Fields;
  return { ...merged, istio_cni: at(merged, "pilot", "cni") };
}
