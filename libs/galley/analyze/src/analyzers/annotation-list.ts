import { isIP } from "node:net";

/** What an annotation may stand on. */
export type AnnotationPlace = "Any" | "Pod" | "Service" | "Namespace" | "Ingress";

export interface KnownAnnotation {
  readonly places: readonly AnnotationPlace[];
  readonly deprecated?: boolean;
  /** Istio calls it stable or beta; all others are alpha. */
  readonly mature?: boolean;
  /** Says what is wrong with a value; empty when nothing is. */
  readonly check?: (value: string) => string;
}

const oneOf =
  (...values: readonly string[]) =>
  (value: string): string =>
    values.includes(value) ? "" : `"${value}" is not one of ${values.join(", ")}`;
const bool = (value: string): string => (/^(1|t|true|0|f|false)$/i.test(value) ? "" : `"${value}" is not a boolean`);
const port = (value: string): string =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? "" : `"${value}" is not a port`;
const number = (value: string): string => (/^\d+$/.test(value) ? "" : `"${value}" is not a whole number`);
const listOf =
  (check: (value: string) => string) =>
  (value: string): string =>
    value === "" || value === "*"
      ? ""
      : (value
          .split(",")
          .map((each) => check(each.trim()))
          .find((each) => each !== "") ?? "");
const range = (value: string): string => {
  const [address = "", length = ""] = value.split("/");
  const family = isIP(address);
  const isRange = family !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  return isRange ? "" : `"${value}" is not a range of addresses, such as 10.0.0.0/8`;
};
const quantity = (value: string): string =>
  /^[+-]?\d+(\.\d+)?([eE][+-]?\d+|[kKMGTPE]i?|m|u|n)?$/.test(value)
    ? ""
    : `"${value}" is not a quantity, such as 100m or 128Mi`;

const pod = (check?: (value: string) => string, deprecated = false): KnownAnnotation => ({
  places: ["Pod"],
  ...(check && { check }),
  deprecated,
});
/** What Istio writes itself. */
const ofController: KnownAnnotation = { places: ["Any"], mature: true };
const PROBE = "readiness.status.sidecar.istio.io";
const TRAFFIC = "traffic.sidecar.istio.io";

/** Istio's annotations (docs/reference/platform.md; istio.io/docs/reference/config/annotations). */
export const ANNOTATIONS: ReadonlyMap<string, KnownAnnotation> = new Map<string, KnownAnnotation>([
  ["alpha.istio.io/canonical-serviceaccounts", { places: ["Service"], deprecated: true }],
  ["alpha.istio.io/identity", pod(undefined, true)],
  ["alpha.istio.io/kubernetes-serviceaccounts", { places: ["Service"], deprecated: true }],
  ["galley.istio.io/analyze-suppress", { places: ["Any"] }],
  ["inject.istio.io/templates", pod()],
  ["install.operator.istio.io/chart-owner", { places: ["Any"], deprecated: true }],
  ["install.operator.istio.io/owner-generation", { places: ["Any"], deprecated: true }],
  ["install.operator.istio.io/version", { places: ["Any"], deprecated: true }],
  ["internal.istio.io/parents", { places: ["Any"] }],
  ["istio.io/dry-run", { places: ["Any"], check: bool }],
  ["istio.io/autoRegistrationGroup", ofController],
  ["istio.io/connectedAt", ofController],
  ["istio.io/disconnectedAt", ofController],
  ["istio.io/rev", { places: ["Pod"], mature: true }],
  ["istio.io/workloadController", ofController],
  ["kubernetes.io/ingress.class", { places: ["Ingress"], mature: true }],
  ["networking.istio.io/exportTo", { places: ["Service"] }],
  ["networking.istio.io/traffic-distribution", { places: ["Service", "Namespace"] }],
  ["networking.istio.io/service-type", { places: ["Any"] }],
  ["networking.istio.io/address-type", { places: ["Any"] }],
  ["policy.istio.io/check", pod(undefined, true)],
  ["policy.istio.io/checkBaseRetryWaitTime", pod(undefined, true)],
  ["policy.istio.io/checkMaxRetryWaitTime", pod(undefined, true)],
  ["policy.istio.io/checkRetries", pod(undefined, true)],
  ["policy.istio.io/lang", pod(undefined, true)],
  ["prometheus.istio.io/merge-metrics", pod(bool)],
  ["proxy.istio.io/config", { places: ["Pod"], mature: true }],
  ["proxy.istio.io/health-checks-enabled", { places: ["Any"], check: bool }],
  ["proxy.istio.io/overrides", pod()],
  [`${PROBE}/applicationPorts`, pod(listOf(port))],
  [`${PROBE}/failureThreshold`, pod(number)],
  [`${PROBE}/initialDelaySeconds`, pod(number)],
  [`${PROBE}/periodSeconds`, pod(number)],
  ["security.istio.io/autoMTLS", pod(bool, true)],
  ["security.istio.io/tlsMode", pod(undefined, true)],
  ["sidecar.istio.io/agentLogLevel", pod()],
  ["sidecar.istio.io/bootstrapOverride", pod()],
  ["sidecar.istio.io/capNetBindService", pod(bool)],
  ["sidecar.istio.io/componentLogLevel", pod()],
  ["sidecar.istio.io/controlPlaneAuthPolicy", pod(undefined, true)],
  ["sidecar.istio.io/discoveryAddress", pod(undefined, true)],
  ["sidecar.istio.io/enableCoreDump", pod(bool, true)],
  ["sidecar.istio.io/extraStatTags", pod()],
  ["sidecar.istio.io/inject", { places: ["Pod"], check: bool, deprecated: true, mature: true }],
  ["sidecar.istio.io/interceptionMode", pod(oneOf("REDIRECT", "TPROXY", "NONE"))],
  ["sidecar.istio.io/logLevel", pod(oneOf("trace", "debug", "info", "warning", "error", "critical", "off"))],
  ["sidecar.istio.io/nativeSidecar", pod(bool)],
  ["sidecar.istio.io/proxyCPU", pod(quantity)],
  ["sidecar.istio.io/proxyCPULimit", pod(quantity)],
  ["sidecar.istio.io/proxyImage", pod()],
  ["sidecar.istio.io/proxyImageType", pod()],
  ["sidecar.istio.io/proxyMemory", pod(quantity)],
  ["sidecar.istio.io/proxyMemoryLimit", pod(quantity)],
  ["sidecar.istio.io/rewriteAppHTTPProbers", pod(bool)],
  ["sidecar.istio.io/statsCompression", pod()],
  ["sidecar.istio.io/statsEvictionInterval", pod()],
  ["sidecar.istio.io/statsHistogramBuckets", pod()],
  ["sidecar.istio.io/statsInclusionPrefixes", pod(undefined, true)],
  ["sidecar.istio.io/statsInclusionRegexps", pod(undefined, true)],
  ["sidecar.istio.io/statsInclusionSuffixes", pod(undefined, true)],
  ["sidecar.istio.io/status", { places: ["Pod"], mature: true }],
  ["sidecar.istio.io/userVolume", pod()],
  ["sidecar.istio.io/userVolumeMount", pod()],
  ["status.sidecar.istio.io/port", pod(port)],
  ["topology.istio.io/controlPlaneClusters", { places: ["Namespace"] }],
  ["traffic.istio.io/nodeSelector", { places: ["Service"], mature: true }],
  [`${TRAFFIC}/excludeInboundPorts`, pod(listOf(port))],
  [`${TRAFFIC}/excludeInterfaces`, pod()],
  [`${TRAFFIC}/excludeOutboundIPRanges`, pod(listOf(range))],
  [`${TRAFFIC}/excludeOutboundPorts`, pod(listOf(port))],
  [`${TRAFFIC}/includeInboundPorts`, pod(listOf(port))],
  [`${TRAFFIC}/includeOutboundIPRanges`, pod(listOf(range))],
  [`${TRAFFIC}/includeOutboundPorts`, pod(listOf(port))],
  [`${TRAFFIC}/kubevirtInterfaces`, pod(undefined, true)],
  ["istio.io/reroute-virtual-interfaces", pod()],
]);
