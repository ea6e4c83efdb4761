import { anyOf, durationOf } from "@xebec/api-envoy";
import { HttpProtocolOptionsSchema } from "@xebec/api-envoy/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { isHttp, type PortProtocol } from "@xebec/model-names";
import type { ClusterInit } from "../build/built.ts";
import { socketAddress } from "../listener/socket-address.ts";
import { asksForRequestHost } from "../security/client-tls.ts";
import type { headerCase } from "./header-case.ts";
import { type EffectivePolicy, ms } from "./traffic-policy.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/** The source address of a sidecar's calls to its own workload, so that they are not captured again. */
const INBOUND_SOURCE = "127.0.0.6";

/** Calls leave from the address that traffic capture lets through. */
export function inboundPassthroughBind(): Pick<ClusterInit, "upstreamBindConfig"> {
  return {
    upstreamBindConfig: { sourceAddress: { address: INBOUND_SOURCE, portSpecifier: { case: "portValue", value: 0 } } },
  };
}

/** The load assignment of a cluster with one host. @param where an address and port, or the path of a Unix socket */
export function oneEndpoint(
  clusterName: string,
  where: { readonly address: string; readonly port: number } | { readonly path: string },
): Pick<ClusterInit, "loadAssignment"> {
  const address =
    "path" in where
      ? { address: { case: "pipe" as const, value: { path: where.path } } }
      : socketAddress(where.address, where.port);
  return {
    loadAssignment: {
      clusterName,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address } } }] }],
    },
  };
}

/** True when calls to a port go by HTTP/2. */
export function isHttp2(protocol: PortProtocol, policy: EffectivePolicy): boolean {
  return (
    protocol === "GRPC" ||
    protocol === "GRPC-Web" ||
    protocol === "HTTP2" ||
    (isHttp(protocol) && policy.connectionPool?.http?.h2UpgradePolicy === "UPGRADE")
  );
}

/**
 * How a cluster speaks HTTP.
 * @param downstream true when it speaks what its client speaks
 * @param http1 settings of HTTP/1.1
 */
export function httpOptions(
  protocol: PortProtocol,
  policy: EffectivePolicy,
  {
    downstream = policy.connectionPool?.http?.useClientProtocol,
    http1 = {},
  }: { readonly downstream?: boolean | undefined; readonly http1?: ReturnType<typeof headerCase> } = {},
): ClusterInit["typedExtensionProtocolOptions"] {
  if (!isHttp(protocol) && !downstream) return {};
  const { tcp, http } = policy.connectionPool ?? {};
  const idle = ms(http?.idleTimeout ?? tcp?.idleTimeout);
  const maxDuration = ms(tcp?.maxConnectionDuration);
  const streams = http?.maxConcurrentStreams;
  const http2 = streams ? { maxConcurrentStreams: streams } : {};
  return {
    [HTTP_OPTIONS]: anyOf(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: {
        ...(idle === undefined ? {} : { idleTimeout: durationOf(idle) }),
        ...(maxDuration === undefined ? {} : { maxConnectionDuration: durationOf(maxDuration) }),
        ...(http?.maxRequestsPerConnection ? { maxRequestsPerConnection: http.maxRequestsPerConnection } : {}),
      },
      ...(asksForRequestHost(policy.tls) ? { upstreamHttpProtocolOptions: { autoSni: true } } : {}),
      upstreamProtocolOptions: downstream
        ? { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: http1, http2ProtocolOptions: http2 } }
        : {
            case: "explicitHttpConfig",
            value: {
              protocolConfig: isHttp2(protocol, policy)
                ? { case: "http2ProtocolOptions", value: http2 }
                : { case: "httpProtocolOptions", value: http1 },
            },
          },
    }),
  };
}
