import type { MeshService, Resolution } from "@xebec/pilot-registry";
import type { ProxyClass } from "./proxy-class.ts";

/** True when traffic capture preserves the original destination of connections. */
export function hasOriginalDst(proxyClass: ProxyClass): boolean {
  return proxyClass.type === "sidecar" && proxyClass.interception !== "NONE";
}

/**
 * How proxies resolve the hosts of a service (docs/reference/pilot.md §1.1). Clients call a headless service by the address of one of its
 * pods; without the original destination, any pod may answer.
 */
export function resolutionFor(proxyClass: ProxyClass, service: MeshService): Resolution {
  return service.resolution === "passthrough" && service.headless && !hasOriginalDst(proxyClass)
    ? "eds"
    : service.resolution;
}
