import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardCert,
  type HttpConnectionManagerSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { Scope } from "../../scope/scope.ts";
import type { TrafficKind } from "../connection.ts";

type Manager = MessageInitShape<typeof HttpConnectionManagerSchema>;

/** What a connection manager adds to headers and believes of them (docs/reference/pilot.md §3.13, §4.7). */
export function managerHeaders({ proxyConfig }: Scope, kind: TrafficKind) {
  const { gatewayTopology: topology, proxyHeaders: headers } = proxyConfig;
  const edge = kind === "gateway";
  const inbound = kind === "inbound";
  const own = edge ? topology?.forwardClientCertDetails : inbound ? headers?.forwardedClientCert : undefined;
  const given = own === undefined || own === "UNDEFINED" ? undefined : ForwardCert[own];
  const details = headers?.setCurrentClientCertDetails;
  const hops = edge ? topology?.numTrustedProxies : undefined;
  return {
    useRemoteAddress: edge,
    ...(hops ? { xffNumTrustedHops: hops } : {}),
    forwardClientCertDetails:
      given ?? (edge ? ForwardCert.SANITIZE_SET : inbound ? ForwardCert.APPEND_FORWARD : ForwardCert.SANITIZE),
    ...(edge || inbound
      ? {
          setCurrentClientCertDetails: { subject: true, uri: true, dns: true, cert: edge, ...details },
          ...(headers?.server?.disabled
            ? { serverHeaderTransformation: ServerHeader.PASS_THROUGH }
            : { serverName: headers?.server?.value || "istio-envoy" }),
        }
      : {}),
    ...(headers?.xForwardedPort?.enabled ? { appendXForwardedPort: true } : {}),
    ...(headers?.requestId?.disabled ? { generateRequestId: false } : {}),
  } satisfies Partial<Manager>;
}
