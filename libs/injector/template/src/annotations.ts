import { isIP } from "node:net";
import { didYouMean, XebecError } from "@xebec/core-errors";
import { annotationBytes, MAX_ANNOTATION_BYTES } from "@xebec/model-resources";
import { isFields } from "./fields.ts";

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
const list = (text: string): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
const isCidr = (text: string): boolean => {
  const [ip = "", length = "", ...rest] = text.split("/");
  const bits = ip.includes("%") ? 0 : { 4: 32, 6: 128 }[isIP(ip)];
  return Boolean(bits) && rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= (bits ?? 0);
};
const isQuantity = (text: string): boolean =>
  /^\+?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text);
const ports = (text: string): boolean => list(text).every(isPort);
const networks = (text: string): boolean => list(text).every(isCidr);
const count = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= 2 ** 31 - 1;

const isBool = (text: string): boolean => text === "true" || text === "false";
const jsonMap = (text: string): boolean => {
  try {
    return isFields(JSON.parse(text));
  } catch {
    return false;
  }
};
const BOOL: Check = [isBool, '"true" or "false"'];
const QUANTITY: Check = [isQuantity, "a quantity"];
const PORTS: Check = [ports, "ports"];
const ANY: Check = [() => true, "anything"];

type Check = readonly [accepts: (text: string) => boolean, form: string];

/** The annotations that are checked, with the form that they must have (docs/reference/platform.md §4.4). */
const CHECKS: Readonly<Record<string, Check>> = {
  "inject.istio.io/templates": ANY,
  "istio.io/reroute-virtual-interfaces": ANY,
  "prometheus.istio.io/merge-metrics": BOOL,
  "proxy.istio.io/config": ANY,
  "proxy.istio.io/overrides": ANY,
  "readiness.status.sidecar.istio.io/applicationPorts": [(text) => text === "*" || ports(text), "* or ports"],
  "readiness.status.sidecar.istio.io/failureThreshold": [count, "a number"],
  "readiness.status.sidecar.istio.io/initialDelaySeconds": [count, "a number of seconds"],
  "readiness.status.sidecar.istio.io/periodSeconds": [count, "a number of seconds"],
  "sidecar.istio.io/agentLogLevel": ANY,
  "sidecar.istio.io/bootstrapOverride": ANY,
  "sidecar.istio.io/capNetBindService": BOOL,
  "sidecar.istio.io/componentLogLevel": ANY,
  "sidecar.istio.io/controlPlaneAuthPolicy": ANY,
  "sidecar.istio.io/discoveryAddress": ANY,
  "sidecar.istio.io/enableCoreDump": BOOL,
  "sidecar.istio.io/extraStatTags": ANY,
  "sidecar.istio.io/inject": ANY,
  "sidecar.istio.io/interceptionMode": [
    (text) => ["REDIRECT", "TPROXY", "NONE"].includes(text),
    "REDIRECT, TPROXY or NONE",
  ],
  "sidecar.istio.io/logLevel": ANY,
  "sidecar.istio.io/nativeSidecar": BOOL,
  "sidecar.istio.io/proxyCPU": QUANTITY,
  "sidecar.istio.io/proxyCPULimit": QUANTITY,
  "sidecar.istio.io/proxyImage": ANY,
  "sidecar.istio.io/proxyImageType": ANY,
  "sidecar.istio.io/proxyMemory": QUANTITY,
  "sidecar.istio.io/proxyMemoryLimit": QUANTITY,
  "sidecar.istio.io/rewriteAppHTTPProbers": BOOL,
  "sidecar.istio.io/statsCompression": BOOL,
  "sidecar.istio.io/statsHistogramBuckets": ANY,
  "sidecar.istio.io/statsInclusionPrefixes": ANY,
  "sidecar.istio.io/statsInclusionRegexps": ANY,
  "sidecar.istio.io/statsInclusionSuffixes": ANY,
  "sidecar.istio.io/statsEvictionInterval": ANY,
  "sidecar.istio.io/status": ANY,
  "sidecar.istio.io/userVolume": [jsonMap, "a map of names to volumes, in JSON"],
  "sidecar.istio.io/userVolumeMount": [jsonMap, "a map of names to mounts, in JSON"],
  "status.sidecar.istio.io/port": [isPort, "a port"],
  "traffic.sidecar.istio.io/excludeInboundPorts": PORTS,
  "traffic.sidecar.istio.io/excludeInterfaces": ANY,
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": [networks, "networks"],
  "traffic.sidecar.istio.io/excludeOutboundPorts": PORTS,
  "traffic.sidecar.istio.io/includeInboundPorts": [(text) => text === "*" || ports(text), "* or ports"],
  "traffic.sidecar.istio.io/includeOutboundIPRanges": [(text) => text === "*" || networks(text), "* or networks"],
  "traffic.sidecar.istio.io/includeOutboundPorts": [(text) => text === "*" || ports(text), "* or ports"],
  "traffic.sidecar.istio.io/kubevirtInterfaces": ANY,
};
const OURS = /(^|\.)(sidecar|inject|proxy)\.istio\.io\//;

/** Annotations that nothing reads, and what stands in their place. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  "readiness.status.sidecar.istio.io/applicationPorts": "kubelet probes the application itself",
  "sidecar.istio.io/controlPlaneAuthPolicy": "the proxy and pilot always use mutual TLS",
  "sidecar.istio.io/discoveryAddress": "set discoveryAddress in the annotation proxy.istio.io/config",
};

/** What of a pod's annotations has no effect, or is misspelt: for the person who makes the pod. Nothing of it hinders injection. */
export function annotationWarnings(annotations: Readonly<Record<string, string>>): string[] {
  return Object.keys(annotations).flatMap((name) => {
    const instead = Object.hasOwn(WITHOUT_EFFECT, name) ? WITHOUT_EFFECT[name] : undefined;
    if (instead) return [`annotation ${name} has no effect: ${instead}`];
    if (!OURS.test(name) || Object.hasOwn(CHECKS, name)) return [];
    return [`annotation ${name} is unknown${didYouMean(name, Object.keys(CHECKS))}`];
  });
}

/** @throws XebecError invalid_argument naming every annotation whose value cannot be used: the whole injection fails */
export function checkAnnotations(annotations: Readonly<Record<string, string>>): void {
  const size = annotationBytes(annotations);
  if (size > MAX_ANNOTATION_BYTES)
    throw new XebecError(
      "invalid_argument",
      `the pod's annotations have ${size} bytes together, more than ${MAX_ANNOTATION_BYTES} (256 KiB), which is Kubernetes' limit`,
    );
  const errors = Object.entries(annotations).flatMap(([name, value]) => {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    return check && !check[0](value) ? [`annotation ${name}: must be ${check[1]}, not "${value.slice(0, 80)}"`] : [];
  });
  if (errors.length > 0) throw new XebecError("invalid_argument", errors.join("; "));
}
