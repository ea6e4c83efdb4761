import { isIP } from "node:net";
import { XebecError } from "@xebec/core-errors";
import { annotationBytes, MAX_ANNOTATION_BYTES } from "@xebec/model-resources";

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

/** The annotations that are checked, with the form that they must have (docs/reference/platform.md §4.4). */
const CHECKS: Readonly<Record<string, readonly [(text: string) => boolean, string]>> = {
  "sidecar.istio.io/interceptionMode": [
    (text) => ["REDIRECT", "TPROXY", "NONE"].includes(text),
    "REDIRECT, TPROXY or NONE",
  ],
  "status.sidecar.istio.io/port": [isPort, "a port"],
  "readiness.status.sidecar.istio.io/initialDelaySeconds": [count, "a number of seconds"],
  "readiness.status.sidecar.istio.io/periodSeconds": [count, "a number of seconds"],
  "readiness.status.sidecar.istio.io/failureThreshold": [count, "a number"],
  "sidecar.istio.io/rewriteAppHTTPProbers": [(text) => text === "true" || text === "false", '"true" or "false"'],
  "sidecar.istio.io/proxyCPU": [isQuantity, "a quantity"],
  "sidecar.istio.io/proxyMemory": [isQuantity, "a quantity"],
  "sidecar.istio.io/proxyCPULimit": [isQuantity, "a quantity"],
  "sidecar.istio.io/proxyMemoryLimit": [isQuantity, "a quantity"],
  "traffic.sidecar.istio.io/includeOutboundIPRanges": [(text) => text === "*" || networks(text), "* or networks"],
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": [networks, "networks"],
  "traffic.sidecar.istio.io/includeInboundPorts": [(text) => text === "*" || ports(text), "* or ports"],
  "traffic.sidecar.istio.io/excludeInboundPorts": [ports, "ports"],
  "traffic.sidecar.istio.io/excludeOutboundPorts": [ports, "ports"],
};

/** @throws XebecError invalid_argument naming every annotation whose value cannot be used: the whole injection fails */
export function checkAnnotations(annotations: Readonly<Record<string, string>>): void {
  const size = annotationBytes(annotations);
  if (size > MAX_ANNOTATION_BYTES)
    throw new XebecError(
      "invalid_argument",
      `the pod's annotations have ${size} bytes together, more than ${MAX_ANNOTATION_BYTES} (256 KiB), which is Kubernetes' limit`,
    );
  const errors = Object.entries(annotations).flatMap(([name, value]) => {
    const check = CHECKS[name];
    return check && !check[0](value) ? [`annotation ${name}: must be ${check[1]}, not "${value.slice(0, 80)}"`] : [];
  });
  if (errors.length > 0) throw new XebecError("invalid_argument", errors.join("; "));
}
