import { durationOf } from "@xebec/api-envoy";
import type { MeshService } from "@xebec/pilot-registry";
import type { Scope } from "../scope/scope.ts";

// What a port speaks that declares no protocol is told by the first bytes of each connection (docs/reference/pilot.md
// §1.2, §4.4).

/** True where clients may speak HTTP/1.0: everywhere, or at these proxies. */
export function acceptsHttp10({ mesh, proxyClass }: Scope): boolean {
  return mesh.http10 || proxyClass.http10;
}

/** What http_inspector calls HTTP. HTTP/1.0 only where it is taken: else it goes on as bytes. */
function httpProtocols(scope: Scope): string[] {
  return [...(acceptsHttp10(scope) ? ["http/1.0"] : []), "http/1.1", "h2c"];
}

/** The match of a chain for HTTP in plaintext among others. */
export function sniffedHttp(scope: Scope) {
  return { transportProtocol: "raw_buffer", applicationProtocols: httpProtocols(scope) };
}

/** A client that waits for the server to speak first must not wait for the inspectors for long. */
export const inspectorTimeout = { listenerFiltersTimeout: durationOf(200), continueOnListenerFiltersTimeout: true };

/** Ports of protocols whose servers speak first: nobody waits there for a client's first bytes. */
const SERVER_FIRST_PORTS: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/**
 * How long a client of a port that many services share may wait with its first bytes: for ever, as in Istio, since HTTP clients
 * open connections in advance.
 */
export function detectionTimeout(port: number) {
  return SERVER_FIRST_PORTS.has(port) ? inspectorTimeout : { listenerFiltersTimeout: durationOf(0) };
}

/** Protocols that a client of the mesh announces in its handshake for HTTP to a port without protocol. */
export const MESH_HTTP = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];

/** True for a port of a service that declares no protocol. */
export function isAuto(service: MeshService, port: number): boolean {
  return service.ports.some((each) => each.number === port && each.protocol === "Auto");
}

/** True when a service has no address of its own: then it shares listeners and route tables with others. */
export function sharesListeners({ addresses }: MeshService): boolean {
  return addresses.length === 0 || addresses.some((each) => each.includes("/"));
}
