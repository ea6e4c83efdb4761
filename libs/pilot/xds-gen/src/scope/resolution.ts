import type { MeshService, Resolution } from "@xebec/pilot-registry";
import type { ProxyClass } from "./proxy-class.ts";

/** True when traffic capture tells these proxies which address a client meant. */
export function hasOriginalDst(proxyClass: ProxyClass): boolean {
  return proxyClass.type === "sidecar" && proxyClass.interception !== "NONE";
}

/**
 * How proxies find the hosts of a service (docs/reference/pilot.md §1.1). A headless service is called by the address
 * of one of its pods; where nobody knows which one was meant, any of them answers.
 */
export function resolutionFor(proxyClass: ProxyClass, service: MeshService): Resolution {
  return service.resolution === "passthrough" && service.headless && !hasOriginalDst(proxyClass)
    ? "eds"
    : service.resolution;
}
