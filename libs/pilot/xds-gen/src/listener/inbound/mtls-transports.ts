import type { MtlsMode } from "@xebec/model-resources";
import type { Scope } from "../../scope/scope.ts";
import { meshDownstreamTls } from "../../security/tls-context.ts";
import { PLAINTEXT, TLS_PASSTHROUGH, type Transport } from "../chain.ts";
import { MESH_HTTP } from "../sniffing.ts";

/** Protocols that a client of the mesh announces in its handshake (docs/reference/pilot.md §4.4): those of bytes, and all. */
export const MESH_ALPN_BYTES = ["istio", "istio-peer-exchange"];
export const MESH_ALPN = [...MESH_HTTP, ...MESH_ALPN_BYTES];
/** Protocols that the server takes. */
const HTTP_SERVER = ["h2", "http/1.1"];
const BYTES_SERVER = ["istio-peer-exchange", ...HTTP_SERVER];

/** Clients of the mesh that announce one of these protocols. @param takes what is behind it */
export function mutualTls(scope: Scope, alpn: readonly string[], takes: "http" | "bytes"): Transport {
  const match = { transportProtocol: "tls", applicationProtocols: [...alpn] };
  return { match, socket: endsTls(scope, takes) };
}

function endsTls({ mesh }: Scope, takes: "http" | "bytes") {
  return meshDownstreamTls(mesh.trustDomain, takes === "http" ? HTTP_SERVER : BYTES_SERVER);
}

/**
 * What a mutual TLS mode lets in (docs/reference/pilot.md §4.4, match rows). What two modes both take has the same chain in both:
 * a connection is cut when its chain changes, and it must not be because others are not taken any more.
 * @param alpn what clients of the mesh announce in their handshake
 * @param takes what is behind it; the application's own TLS goes through untouched, unless it must be HTTP
 */
export function mtlsTransports(
  scope: Scope,
  mode: MtlsMode,
  alpn: readonly string[],
  takes: "http" | "bytes",
): readonly Transport[] {
  if (mode === "DISABLE") return [PLAINTEXT, TLS_PASSTHROUGH];
  const mutual = mutualTls(scope, alpn, takes);
  if (mode === "STRICT") return [mutual, { ...TLS_PASSTHROUGH, socket: endsTls(scope, takes) }];
  return [mutual, PLAINTEXT, ...(takes === "bytes" ? [TLS_PASSTHROUGH] : [])];
}
