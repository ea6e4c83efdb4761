import { XebecError } from "@xebec/core-errors";
import { parseSpiffe } from "@xebec/model-names";
import { proxyOf } from "@xebec/pilot-xds-gen";
import type { Client } from "../connection/connection.ts";
import type { XdsRequest } from "../wire/request.ts";

/** Istio's name of the cluster of proxies that name none. */
const DEFAULT_CLUSTER = "Kubernetes";
const MAX_TEXT = 256;

/** What a stream says of its client. */
export interface StreamFacts {
  readonly delta: boolean;
  /** True on the port with mutual TLS: the node must be who its certificate says. */
  readonly authenticate: boolean;
  /** The identity in the client's certificate. */
  readonly identity: string | undefined;
}

/**
 * The client of a stream, by its first request.
 * @param count tells apart streams of one proxy
 * @throws XebecError invalid_argument without a node, unauthenticated or permission_denied for one that is not who it says
 */
export function acceptClient(request: XdsRequest, facts: StreamFacts, count: number): Client {
  const { node } = request;
  const { delta, authenticate, identity } = facts;
  if (!node) throw new XebecError("invalid_argument", "the first request of a stream must carry the node");
  const proxy = proxyOf(node);
  if (authenticate) authorize(proxy.namespace, proxy.serviceAccount, identity);
  const { CLUSTER_ID: cluster } = node.metadata;
  return {
    id: `${proxy.pod}.${proxy.namespace}-${count}`,
    proxy,
    delta,
    clusterId: typeof cluster === "string" && cluster !== "" ? cluster.slice(0, MAX_TEXT) : DEFAULT_CLUSTER,
    authenticated: authenticate,
    asksClustersFirst: !node.userAgent.toLowerCase().startsWith("grpc"),
  };
}

/** The namespace and service account of a node must be those of its certificate (docs/reference/pilot.md §2.4). */
function authorize(namespace: string, serviceAccount: string, identity: string | undefined): void {
  const certified = identity === undefined ? undefined : parseSpiffe(identity);
  if (!certified)
    throw new XebecError("unauthenticated", "this port needs a client certificate with a SPIFFE identity");
  if (certified.namespace !== namespace || (serviceAccount !== "" && certified.serviceAccount !== serviceAccount))
    throw new XebecError(
      "permission_denied",
      `the node says namespace ${namespace} and service account ${serviceAccount || "(none)"}, its certificate says ${identity}`,
    );
}
