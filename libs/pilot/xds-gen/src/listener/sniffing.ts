import { durationOf } from "@xebec/api-envoy";
import type { MeshService } from "@xebec/pilot-registry";
import type { Scope } from "../scope/scope.ts";

// Protocol detection: for ports without a declared protocol, the first bytes of each connection decide (docs/reference/pilot.md §1.2,
// §4.4).

/** True when clients may speak HTTP/1.0, by pilot's setting or by the metadata of the proxies. */
export function acceptsHttp10({ mesh, proxyClass }: Scope): boolean {
  return mesh.http10 || proxyClass.http10;
}

/** HTTP as http_inspector names it. HTTP/1.0 is TCP unless it is accepted. */
function httpProtocols(scope: Scope): string[] {
  return [...(acceptsHttp10(scope) ? ["http/1.0"] : []), "http/1.1", "h2c"];
}

/** Matches detected plaintext HTTP. */
export function sniffedHttp(scope: Scope) {
  return { transportProtocol: "raw_buffer", applicationProtocols: httpProtocols(scope) };
}

/** Limits the wait of clients whose server speaks first. */
const INSPECTOR_TIMEOUT = { listenerFiltersTimeout: durationOf(200), continueOnListenerFiltersTimeout: true };

export function inspectorTimeout({ mesh: { detectionTimeoutMs } }: Scope) {
  return detectionTimeoutMs
    ? { ...INSPECTOR_TIMEOUT, listenerFiltersTimeout: durationOf(detectionTimeoutMs) }
    : INSPECTOR_TIMEOUT;
}

/** Ports of protocols in which the server speaks first. */
const SERVER_FIRST_PORTS: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/**
 * How long the inspectors of a shared port wait for the first bytes: without limit, as in Istio, because HTTP clients open connections
 * in advance.
 */
export function detectionTimeout(scope: Scope, port: number) {
  return scope.mesh.detectionTimeoutMs || SERVER_FIRST_PORTS.has(port)
    ? inspectorTimeout(scope)
    : { listenerFiltersTimeout: durationOf(0) };
}

/** ALPN protocols of mesh clients for HTTP to a port without a declared protocol. */
export const MESH_HTTP = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];

/** True when the port declares no protocol. */
export function isAuto(service: MeshService, port: number): boolean {
  return service.ports.some((each) => each.number === port && each.protocol === "Auto");
}

/** True when a service has no address of its own, and so shares listeners and route tables with others. */
export function sharesListeners({ addresses }: MeshService): boolean {
  return addresses.length === 0 || addresses.some((each) => each.includes("/"));
}
