import { anyOf, durationOf } from "@xebec/api-envoy";
import { ConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
import type { MeshService } from "@xebec/pilot-registry";
import { effectivePolicy, mergedRule } from "../cluster/traffic-policy.ts";
import { acceptsHttp10 } from "../filter/network/http-connection.ts";
import type { Scope } from "../scope/scope.ts";

// What a port speaks that declares no protocol is told by the first bytes of each connection (docs/reference/pilot.md
// §1.2, §4.4).

/** What http_inspector calls HTTP. HTTP/1.0 only where it is taken: else it goes on as bytes. */
export function httpProtocols(scope: Scope): string[] {
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

/** The HTTP filter by which a route announces that what it sends is HTTP. */
export const ANNOUNCE = "envoy.filters.http.set_filter_state";

/** What a route to these destinations needs: nothing, unless a server of one must be told that HTTP comes. */
export function announcement(
  scope: Scope,
  destinations: readonly { readonly host: string; readonly subset: string; readonly port: number }[],
): Record<string, ReturnType<typeof anyOf>> {
  const needed = destinations.some(({ host, subset, port }) => {
    const service = scope.service(host);
    return service !== undefined && isAuto(service, port) && usesMeshTls(scope, service, subset, port);
  });
  if (!needed) return {};
  const inlineString = `${MESH_HTTP[1]},istio`;
  return {
    [ANNOUNCE]: anyOf(ConfigSchema, {
      onRequestHeaders: [
        {
          key: { case: "objectKey", value: "envoy.network.application_protocols" },
          value: {
            case: "formatString",
            value: {
              format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
            },
          },
        },
      ],
    }),
  };
}

/** True for a port of a service that declares no protocol. */
export function isAuto(service: MeshService, port: number): boolean {
  return service.ports.some((each) => each.number === port && each.protocol === "Auto");
}

/** True when a service has no address of its own: then it shares listeners and route tables with others. */
export function sharesListeners({ addresses }: MeshService): boolean {
  return addresses.length === 0 || addresses.some((each) => each.includes("/"));
}

/** A server outside of the mesh must not hear of Istio's protocols. */
function usesMeshTls(scope: Scope, service: MeshService, subset: string, port: number): boolean {
  const mode = effectivePolicy(mergedRule(scope.destinationRules(service))?.spec, subset, port).tls?.mode;
  return mode === "ISTIO_MUTUAL" || (mode === undefined && !service.external);
}
