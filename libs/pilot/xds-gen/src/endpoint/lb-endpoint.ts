import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LbEndpointSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import type { MeshEndpoint } from "@xebec/pilot-registry";
import type { BuiltEndpoint } from "../build/built.ts";
import { socketAddress } from "../listener/socket-address.ts";

/** How a ServiceEntry writes a socket of its own machine. */
const UNIX = "unix://";

class EndpointAtPort implements BuiltEndpoint {
  readonly endpoint: MeshEndpoint;
  readonly port: number;
  readonly mtls: boolean;

  constructor(endpoint: MeshEndpoint, port: number, mtls: boolean) {
    this.endpoint = endpoint;
    this.port = port;
    this.mtls = mtls;
  }

  message() {
    return lbEndpoint(this.endpoint, this.port, this.mtls);
  }
}

/** Keyed by identity: the snapshot keeps unchanged endpoints. */
const known = new WeakMap<MeshEndpoint, EndpointAtPort[]>();

/** An endpoint at a port: the very same object each time. */
export function endpointAt(endpoint: MeshEndpoint, port: number, mtls: boolean): BuiltEndpoint {
  let list = known.get(endpoint);
  if (!list) {
    list = [];
    known.set(endpoint, list);
  }
  // Few: an endpoint has few ports, and seldom both modes.
  let found = list.find((each) => each.port === port && each.mtls === mtls);
  if (!found) {
    found = new EndpointAtPort(endpoint, port, mtls);
    list.push(found);
  }
  return found;
}

/** An endpoint as Envoy has it. @param mtls true when it is called with mutual TLS */
export function lbEndpoint(
  endpoint: MeshEndpoint,
  port: number,
  mtls: boolean,
): MessageInitShape<typeof LbEndpointSchema> {
  return {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: endpoint.address.startsWith(UNIX)
          ? { address: { case: "pipe", value: { path: endpoint.address.slice(UNIX.length) } } }
          : socketAddress(endpoint.address, port),
      },
    },
    loadBalancingWeight: endpoint.weight,
    ...(mtls || endpoint.workload
      ? {
          metadata: {
            filterMetadata: {
              ...(mtls ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
              ...(endpoint.workload ? { istio: { workload: endpoint.workload } } : {}),
            },
          },
        }
      : {}),
  };
}
