import type { AccessLogEntry } from "./access-log-entry.ts";
import { BoundedCache } from "./bounded-cache.ts";
import type { ServiceView, WorkloadIndex } from "./workload-index.ts";

/** Services by host that no registry has, so that each is made once. */
const unknown = new BoundedCache<ServiceView>(1000);

/** Finds the service that was called: by the cluster's name, else by the SNI, the host, or the pod that answered. */
export class DestinationServiceResolver {
  readonly #index: WorkloadIndex;

  constructor(index: WorkloadIndex) {
    this.#index = index;
  }

  /** The service of an entry; undefined when it is unknown. */
  find(bag: Pick<AccessLogEntry, "text" | "reporter" | "address">): ServiceView | undefined {
    // outbound|PORT|SUBSET|HOST or inbound|PORT||HOST
    const cluster = bag.text("upstreamCluster");
    const bar = cluster.lastIndexOf("|");
    if (bar > 0 && bar < cluster.length - 1) return this.#serviceOf(cluster.slice(bar + 1));
    const inbound = bag.reporter.kind === "inbound";
    const sni = inbound ? hostOfServerName(bag.text("serverName")) : "";
    if (sni !== "") return this.#serviceOf(sni);
    const host = bag.text("authority").replace(/:\d+$/, "");
    const known = host ? this.#index.service(host, bag.reporter.peer?.namespace) : undefined;
    if (known) return known;
    const { ip, port } = bag.address("destination");
    return inbound && ip ? this.#index.serviceOfPod(ip, port) : undefined;
  }

  #serviceOf(host: string): ServiceView {
    const known = this.#index.service(host) ?? unknown.get(host);
    if (known) return known;
    const parts = host.split(".");
    const view =
      parts[2] === "svc" && parts[0] && parts[1]
        ? { host, name: parts[0], namespace: parts[1] }
        : { host, name: host, namespace: "" };
    unknown.set(host, view);
    return view;
  }
}

/** The host in Istio's server name `outbound_.PORT_.SUBSET_.HOST`; "" for other names. */
function hostOfServerName(name: string): string {
  if (!name.startsWith("outbound_.")) return "";
  const subset = name.indexOf("_.", 10);
  const host = subset < 0 ? -1 : name.indexOf("_.", subset + 2);
  return host < 0 ? "" : name.slice(host + 2);
}
