import type { MeshService, Resolution } from "@xebec/pilot-registry";
import type { ProxyView } from "./proxy.ts";

/** True when traffic capture tells these proxies which address a client meant. */
export function knowsOriginalAddress(view: ProxyView): boolean {
  return view.type === "sidecar" && view.interception !== "NONE";
}

/**
 * How proxies find the hosts of a service (docs/reference/pilot.md §1.1). A headless service is called by the address
 * of one of its pods; where nobody knows which one was meant, any of them answers.
 */
export function resolutionFor(view: ProxyView, service: MeshService): Resolution {
  return service.resolution === "passthrough" && service.headless && !knowsOriginalAddress(view)
    ? "eds"
    : service.resolution;
}
