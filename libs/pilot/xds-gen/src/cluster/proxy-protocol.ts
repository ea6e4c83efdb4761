import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { type TransportSocket, TransportSocketSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ProxyProtocolConfig_Version } from "@xebec/api-envoy/envoy/config/core/v3/proxy_protocol";
import { ProxyProtocolUpstreamTransportSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol";
import type { ClusterInit } from "../build/built.ts";
import { rawBuffer } from "../security/tls-context.ts";
import type { EffectivePolicy } from "./traffic-policy.ts";

type Socket = MessageInitShape<typeof TransportSocketSchema>;

/** A cluster whose connections begin with PROXY's header, where the rule asks for it: each of its transport sockets is wrapped. */
export function withProxyProtocol(cluster: ClusterInit, { proxyProtocol }: EffectivePolicy): ClusterInit {
  if (!proxyProtocol) return cluster;
  const wrapped = (socket: Socket | undefined) => wrap(socket ?? rawBuffer(), proxyProtocol.version ?? "V1");
  const matches = cluster.transportSocketMatches ?? [];
  return Object.assign(
    cluster,
    matches.length > 0
      ? { transportSocketMatches: matches.map((each) => ({ ...each, transportSocket: wrapped(each.transportSocket) })) }
      : { transportSocket: wrapped(cluster.transportSocket) },
  );
}

function wrap(inner: Socket, version: "V1" | "V2"): TransportSocket {
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.upstream_proxy_protocol",
    configType: {
      case: "typedConfig",
      value: anyOf(ProxyProtocolUpstreamTransportSchema, {
        config: { version: ProxyProtocolConfig_Version[version] },
        transportSocket: inner,
      }),
    },
  });
}
