import type { MtlsMode } from "@xebec/model-resources";
import type { Scope } from "../../scope/scope.ts";
import { meshDownstreamTls } from "../../security/tls-context.ts";
import { PLAINTEXT, TLS_PASSTHROUGH, type Transport } from "../chain.ts";
import { MESH_HTTP } from "../sniffing.ts";

/** ALPN protocols of mesh clients (docs/reference/pilot.md §4.4): for TCP, and all of them. */
export const MESH_ALPN_TCP = ["istio", "istio-peer-exchange"];
export const MESH_ALPN = [...MESH_HTTP, ...MESH_ALPN_TCP];
/** ALPN protocols that the server selects. */
const HTTP_SERVER = ["h2", "http/1.1"];
const TCP_SERVER = ["istio-peer-exchange", ...HTTP_SERVER];

/** Mutual TLS from mesh clients with one of these ALPN protocols. @param protocol what the chain serves */
export function mutualTls(scope: Scope, alpn: readonly string[], protocol: "http" | "tcp"): Transport {
  const match = { transportProtocol: "tls", applicationProtocols: [...alpn] };
  return { match, socket: terminateTls(scope, protocol) };
}

function terminateTls({ mesh }: Scope, protocol: "http" | "tcp") {
  const trustDomains = [mesh.trustDomain, ...mesh.trustDomainAliases];
  return meshDownstreamTls(mesh, trustDomains, protocol === "http" ? HTTP_SERVER : TCP_SERVER);
}

/**
 * The transports that a mutual TLS mode accepts (docs/reference/pilot.md §4.4, match rows). A transport that two modes accept has the
 * same chain in both: Envoy closes connections when their chain changes, and a stricter mode must not close those that it still accepts.
 * @param alpn ALPN protocols of mesh clients
 * @param protocol what the chain serves; the application's own TLS passes through, unless the port is HTTP
 */
export function mtlsTransports(
  scope: Scope,
  mode: MtlsMode,
  alpn: readonly string[],
  protocol: "http" | "tcp",
): readonly Transport[] {
  if (mode === "DISABLE") return [PLAINTEXT, TLS_PASSTHROUGH];
  const mutual = mutualTls(scope, alpn, protocol);
  if (mode === "STRICT") return [mutual, { ...TLS_PASSTHROUGH, socket: terminateTls(scope, protocol) }];
  return [mutual, PLAINTEXT, ...(protocol === "tcp" ? [TLS_PASSTHROUGH] : [])];
}
