import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type {
  ListenerFilterChainMatchPredicateSchema,
  ListenerFilterSchema,
} from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { HttpInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/http_inspector/v3/http_inspector";
import { OriginalDstSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/original_dst/v3/original_dst";
import { ProxyProtocolSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import { TlsInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector";
import type { BuiltFilterChain } from "../build/built.ts";

type ListenerFilter = MessageInitShape<typeof ListenerFilterSchema>;
type Predicate = MessageInitShape<typeof ListenerFilterChainMatchPredicateSchema>;

const CONFIG = {
  tls_inspector: () => anyOf(TlsInspectorSchema, {}),
  http_inspector: () => anyOf(HttpInspectorSchema, {}),
  original_dst: () => anyOf(OriginalDstSchema, {}),
  proxy_protocol: () => anyOf(ProxyProtocolSchema, {}),
} as const;

/** @param filterDisabled which connections it leaves alone */
export function listenerFilter(name: keyof typeof CONFIG, filterDisabled?: Predicate): ListenerFilter {
  return {
    name: `envoy.filters.listener.${name}`,
    configType: { case: "typedConfig", value: CONFIG[name]() },
    ...(filterDisabled ? { filterDisabled } : {}),
  };
}

/** The inspectors of a connection's first bytes that the matches of these chains need. */
export function inspectors(chains: readonly BuiltFilterChain[]): ListenerFilter[] {
  const tls = chains.some(
    ({ message: { filterChainMatch: match } }) => match?.serverNames?.length || match?.transportProtocol,
  );
  // For TLS, the application protocol is that of the handshake.
  const http = chains.some(needsHttp);
  // The order matters: the HTTP inspector ignores TLS.
  return [
    ...(tls ? [listenerFilter("tls_inspector")] : []),
    ...(http ? [listenerFilter("http_inspector", atPorts(portsWithoutHttp(chains)))] : []),
  ];
}

/** The ports whose own chains need no HTTP inspector, where others do: a server that speaks first is not to wait for it. */
function portsWithoutHttp(chains: readonly BuiltFilterChain[]): number[] {
  const byPort = Map.groupBy(chains, ({ message }) => message.filterChainMatch?.destinationPort);
  return [...byPort].flatMap(([port, own]) => (port && !own.some(needsHttp) ? [Number(port)] : []));
}

function needsHttp({ message: { filterChainMatch: match } }: BuiltFilterChain): boolean {
  return match?.transportProtocol === "raw_buffer" && (match.applicationProtocols?.length ?? 0) > 0;
}

function atPorts(ports: readonly number[]): Predicate | undefined {
  const rules = ports.map((port) => ({
    rule: { case: "destinationPortRange" as const, value: { start: port, end: port + 1 } },
  }));
  return rules.length > 1 ? { rule: { case: "orMatch", value: { rules } } } : rules[0];
}
