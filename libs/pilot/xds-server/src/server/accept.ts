import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { type Identity, spiffeId } from "@xebec/model-names";
import { proxyOf, TYPE_URL } from "@xebec/pilot-xds-gen";
import type { Client } from "../connection/connection.ts";
import type { XdsRequest } from "../wire/request.ts";
import { HEALTH_TYPE } from "./other-types.ts";

const log = logger("ads");
/** Istio's name of the cluster of proxies that name none. */
const DEFAULT_CLUSTER = "Kubernetes";
const MAX_TEXT = 256;
/** What agents ask for, or say, first on streams of their own. Envoys begin with clusters. */
const AGENT_TYPES: ReadonlySet<string> = new Set([
  ...[TYPE_URL.nametable, TYPE_URL.extensionconfig, TYPE_URL.bootstrap, TYPE_URL.pullsecret],
  HEALTH_TYPE,
]);

/** What a stream says of its client. */
export interface StreamFacts {
  readonly delta: boolean;
  /** Who it is, by its certificate or its token: the node must be the same. Undefined on the plaintext port. */
  readonly identity: Identity | undefined;
}

/**
 * The client of a stream, by its first request.
 * @param count tells apart streams of one proxy
 * @throws XebecError invalid_argument without a node, permission_denied for one that is not who it says
 */
export function acceptClient(request: XdsRequest, facts: StreamFacts, count: number): Client {
  const { node } = request;
  const { delta, identity } = facts;
  if (!node) throw new XebecError("invalid_argument", "the first request of a stream must carry the node");
  const proxy = proxyOf(node);
  if (proxy.problems)
    log.warn({ proxy: proxy.id, problems: proxy.problems }, "parts of what a proxy says of itself cannot be used");
  if (identity) authorize(proxy.namespace, proxy.serviceAccount, identity);
  const { CLUSTER_ID: cluster } = node.metadata;
  return {
    id: `${proxy.pod}.${proxy.namespace}-${count}`,
    proxy,
    delta,
    clusterId: typeof cluster === "string" && cluster !== "" ? cluster.slice(0, MAX_TEXT) : DEFAULT_CLUSTER,
    authenticated: identity !== undefined,
    identity,
    ofAgent: AGENT_TYPES.has(request.typeUrl),
    asksClustersFirst: !proxy.generator && !node.userAgent.toLowerCase().startsWith("grpc"),
  };
}

/** The namespace and service account of a node must be those of its identity (docs/reference/pilot.md §2.4). */
function authorize(namespace: string, serviceAccount: string, identity: Identity): void {
  if (identity.namespace !== namespace || (serviceAccount !== "" && identity.serviceAccount !== serviceAccount))
    throw new XebecError(
      "permission_denied",
      `the node says namespace ${namespace} and service account ${serviceAccount || "(none)"}, its certificate or token says ${spiffeId(identity)}`,
    );
}
