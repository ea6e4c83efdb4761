import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { ListenerFilterSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { HttpInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/http_inspector/v3/http_inspector";
import { OriginalDstSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/original_dst/v3/original_dst";
import { ProxyProtocolSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import { TlsInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector";
import type { BuiltFilterChain } from "../build/built.ts";

type ListenerFilter = MessageInitShape<typeof ListenerFilterSchema>;

const CONFIG = {
  tls_inspector: () => anyOf(TlsInspectorSchema, {}),
  http_inspector: () => anyOf(HttpInspectorSchema, {}),
  original_dst: () => anyOf(OriginalDstSchema, {}),
  proxy_protocol: () => anyOf(ProxyProtocolSchema, {}),
} as const;

export function listenerFilter(name: keyof typeof CONFIG): ListenerFilter {
  return {
    name: `envoy.filters.listener.${name}`,
    configType: { case: "typedConfig", value: CONFIG[name]() },
  };
}

/** The inspectors of a connection's first bytes that the matches of these chains need. */
export function inspectors(chains: readonly BuiltFilterChain[]): ListenerFilter[] {
  const tls = chains.some(
    ({ message: { filterChainMatch: match } }) => match?.serverNames?.length || match?.transportProtocol,
  );
  // For TLS, the application protocol is that of the handshake.
  const http = chains.some(
    ({ message: { filterChainMatch: match } }) =>
      match?.transportProtocol === "raw_buffer" && match.applicationProtocols?.length,
  );
  // The order matters: the HTTP inspector ignores TLS.
  return [...(tls ? [listenerFilter("tls_inspector")] : []), ...(http ? [listenerFilter("http_inspector")] : [])];
}
