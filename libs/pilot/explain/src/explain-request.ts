import { string } from "@xebec/pilot-proxy-config";
import { endpointsOf, foundAtRunTime, sourceAddress, transportOf } from "./endpoints.ts";
import { faultOf } from "./fault.ts";
import { normalized, throughPlugins } from "./http-filters.ts";
import { followInbound } from "./inbound.ts";
import { outboundListener } from "./listeners.ts";
import { sourceOf } from "./origin.ts";
import type { RequestToExplain } from "./request.ts";
import { clustersOf, routeThrough } from "./routing.ts";
import type { ProxyView, Step } from "./way.ts";

/** Where a request ends. */
export interface RequestOutcome {
  readonly steps: readonly Step[];
  /** The status that a proxy gives itself; undefined when the request reaches an application, or no proxy takes it. */
  readonly status: number | undefined;
  /** Whether the request reaches an application, or leaves the mesh. */
  readonly passes: boolean;
  readonly reason: string;
  /** Clusters that the route leads to, with their shares in percent. */
  readonly clusters: readonly { readonly name: string; readonly percent: number }[];
}

/**
 * Follows a request through the configuration of the proxies that it crosses. Nothing is sent: whoever has the configuration,
 * from Envoy or from pilot's generators, gets the answer of the real proxies.
 * @param serverOf the proxy at an address; undefined when there is none
 */
export async function explainRequest(
  client: ProxyView,
  asked: RequestToExplain,
  serverOf: (address: string) => Promise<ProxyView | undefined>,
): Promise<RequestOutcome> {
  const steps: Step[] = [];
  const end = (
    status: number | undefined,
    reason: string,
    clusters: RequestOutcome["clusters"] = [],
    passes = false,
  ): RequestOutcome => ({ steps, status, passes, reason, clusters });
  const step = (what: Step["what"], name: string, detail = "", where: Step["where"] = "client"): void => {
    steps.push({ what, where, name, detail });
  };
  const found = outboundListener(client.dump, asked);
  if (!found) return end(undefined, `no listener of ${client.name} takes HTTP for port ${asked.port}`);
  const { listener, manager } = found;
  step("listener", string(listener.name));
  const seen = normalized(manager, asked, client.name);
  if ("status" in seen) return end(seen.status, seen.reason);
  const { request } = seen;
  const refused = throughPlugins(client.dump, manager, step);
  if (refused) return end(refused.status, refused.reason);
  const routed = routeThrough(client.dump, manager, request, step, "client");
  if ("status" in routed) return end(routed.status, routed.reason);
  const fault = faultOf(routed.route);
  if (fault) step("filter", "envoy.filters.http.fault", fault.detail);
  if (fault?.always !== undefined) return end(fault.always, "a fault aborts every such request (FI)");
  const clusters = clustersOf(routed.route);
  const first = clusters.toSorted((a, b) => b.percent - a.percent)[0];
  if (!first) return end(undefined, "the route leads to no cluster");
  const cluster = client.dump.clusters.find((each) => each.name === first.name);
  step(
    "cluster",
    first.name,
    clusters.length > 1 ? clusters.map(({ name, percent }) => `${percent} % ${name}`).join(", ") : sourceOf(cluster),
  );
  if (!cluster) return end(503, `the client has no cluster ${first.name} (NC)`, clusters);
  const atRunTime = foundAtRunTime(cluster, request);
  if (atRunTime) {
    step("endpoints", atRunTime);
    const tls = transportOf(cluster, {});
    step("TLS", tls.name, tls.detail);
    return end(undefined, `it leaves the mesh to ${atRunTime}`, clusters, true);
  }
  const endpoints = endpointsOf(client.dump, cluster);
  step("endpoints", endpoints.map(({ address, port, health }) => `${address}:${port}${health}`).join(", ") || "none");
  const target = endpoints.find(({ health }) => health === "");
  if (!target) return end(503, `the cluster ${first.name} has no healthy endpoint (UH)`, clusters);
  const tls = transportOf(cluster, target.metadata);
  step("TLS", tls.name, tls.detail);
  const server = await serverOf(target.address);
  if (!server) return end(undefined, `it leaves the mesh to ${target.address}:${target.port}`, clusters, true);
  const source = sourceAddress(cluster, client, target.address);
  const inbound = followInbound(
    { ...client, address: source },
    server,
    { ...target, tls: tls.isMutual },
    request,
    (what, name, detail) => step(what, name, detail, "server"),
  );
  return end(inbound.status, inbound.reason, clusters, inbound.status === undefined);
}
