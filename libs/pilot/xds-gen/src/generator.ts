import { parseCluster } from "@xebec/model-names";
import type { Snapshot } from "@xebec/pilot-snapshot";
import { GenerationContext } from "./context.ts";
import type { EncodedResource } from "./encoded.ts";
import { loadAssignment } from "./endpoints.ts";
import { extensionConfig } from "./extension-config.ts";
import { gatewayListeners, gatewayRouteTable } from "./gateway.ts";
import { inboundClusters } from "./inbound-clusters.ts";
import { inboundListeners } from "./inbound-listeners.ts";
import { outboundClusters } from "./outbound-clusters.ts";
import { explicitListeners, outboundListeners } from "./outbound-listeners.ts";
import { type MeshProxy, type ProxyView, type ServiceTarget, targetsKey, viewOf } from "./proxy.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import { HTTP_PROXY_ROUTE, httpProxyRouteTable, outboundRouteTable } from "./route-table.ts";
import { standardClusters, tunnelCluster } from "./standard-clusters.ts";
import { subsetLabels } from "./subset.ts";
import { areNumbers, resolveTargets, serviceTargets } from "./targets.ts";
import type { XdsType } from "./type-urls.ts";
import { UnitCache } from "./unit-cache.ts";

/** The names that a proxy asked for; one object for all proxies that asked for the same. */
export interface NameSet {
  readonly key: string;
  readonly names: readonly string[];
}

/**
 * Makes the resources of every proxy from a snapshot. Pure but for its cache: what did not change is not made again, and
 * proxies that are alike get the very same objects.
 */
export class Generator {
  readonly #cache = new UnitCache((cache) => (snapshot, view) => new GenerationContext(snapshot, view, cache));
  #snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Goes on to a newer snapshot; everything that read one of these keys is made anew when it is wanted. */
  update(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    this.#snapshot = snapshot;
    this.#cache.invalidate(changed);
  }

  view(proxy: MeshProxy): ProxyView {
    return viewOf(proxy, this.#snapshot);
  }

  /** Frees everything that `use` does not ask for: names are clients' to choose, and views come and go. */
  keep(use: () => void): void {
    this.#cache.beginRound();
    use();
    this.#cache.endRound();
  }

  /** How many parts are kept. */
  get cacheSize(): number {
    return this.#cache.size;
  }

  /** The resources of a type for a proxy. @param names for endpoints, routes and extension configs: what it asked for */
  resources(type: XdsType, proxy: MeshProxy, view: ProxyView, names?: NameSet): ResourceSet {
    const context = this.#context(view);
    switch (type) {
      case "cluster":
        return this.#clusters(context, proxy);
      case "listener":
        return this.#listeners(context, proxy);
      case "endpoint":
        return context.part(`set/eds/${names?.key}`, (inner) =>
          resourceSet((names?.names ?? []).map((name) => this.#assignment(inner, name))),
        );
      case "route":
        return this.#routes(context, proxy, names?.names ?? [], names?.key ?? "");
      case "extensionconfig":
        return context.part(`set/ecds/${names?.key}`, (inner) =>
          resourceSet((names?.names ?? []).flatMap((name) => extensionConfig(inner, name) ?? [])),
        );
    }
  }

  #assignment(context: GenerationContext, name: string): EncodedResource {
    const part = `eds/${name}`;
    // Nothing is kept for names that only a client knows: there is no end of them.
    return this.#cache.has(part, context.view) || isServed(context, name)
      ? context.part(part, (inner) => loadAssignment(inner, name))
      : loadAssignment(context, name);
  }

  #context(view: ProxyView): GenerationContext {
    return new GenerationContext(this.#snapshot, view, this.#cache, true);
  }

  #targets(context: GenerationContext, proxy: MeshProxy): { targets: readonly ServiceTarget[]; key: string } {
    const workload = `${proxy.namespace}/${proxy.labelsKey}`;
    const named = context.part(`selecting/${workload}`, (inner) => serviceTargets(inner, proxy));
    // Pods of one workload may differ in what a port's name means, for example while it is rolled out.
    const own = areNumbers(named) ? "" : `${proxy.pod}/${proxy.ip}`;
    return context.part(`targets/${workload}/${proxy.interception === "NONE" ? proxy.ip : ""}/${own}`, (inner) => {
      const targets = resolveTargets(
        inner,
        proxy,
        inner.part(`selecting/${workload}`, (part) => serviceTargets(part, proxy)),
      );
      return { targets, key: targetsKey(proxy, targets) };
    });
  }

  #clusters(context: GenerationContext, proxy: MeshProxy): ResourceSet {
    const { targets, key } = this.#targets(context, proxy);
    return context.part(`set/cds/${key}`, (inner) => {
      const shared = inner.part("cds/outbound", (outer) =>
        outer
          .services()
          .flatMap((service) => outer.part(`cds/${service.id}`, (part) => outboundClusters(part, service))),
      );
      const own: EncodedResource[] = proxy.type === "sidecar" ? inboundClusters(inner, proxy, targets) : [];
      if (proxy.httpProxyPort > 0) own.push(tunnelCluster(proxy));
      return resourceSet([...shared, ...inner.part("cds/standard", standardClusters), ...own]);
    });
  }

  #listeners(context: GenerationContext, proxy: MeshProxy): ResourceSet {
    const { targets, key } = this.#targets(context, proxy);
    return context.part(`set/lds/${key}`, (inner) => {
      if (proxy.type === "router") return resourceSet(gatewayListeners(inner, proxy, targets));
      const outbound =
        proxy.interception === "NONE"
          ? explicitListeners(inner, proxy, targets)
          : inner.part("lds/outbound", outboundListeners);
      return resourceSet([...outbound, ...inboundListeners(inner, proxy, targets)]);
    });
  }

  #routes(context: GenerationContext, proxy: MeshProxy, names: readonly string[], namesKey: string): ResourceSet {
    const router = proxy.type === "router";
    const { targets, key } = router ? this.#targets(context, proxy) : { targets: [], key: "" };
    return context.part(`set/rds/${key}/${namesKey}`, (inner) =>
      resourceSet(
        names.map((name) =>
          inner.part(`rds/${key}/${name}`, (part) =>
            router
              ? gatewayRouteTable(part, name, targets)
              : name === HTTP_PROXY_ROUTE
                ? httpProxyRouteTable(part)
                : outboundRouteTable(part, name),
          ),
        ),
      ),
    );
  }
}

/** True for the name of a cluster that there is, whose endpoints come by EDS. */
function isServed(context: GenerationContext, name: string): boolean {
  const { direction, host = "", port, subset } = parseCluster(name) ?? {};
  const service = direction === "outbound" ? context.service(host) : undefined;
  if (service?.resolution !== "eds" || !service.ports.some((each) => each.number === port)) return false;
  return !subset || subsetLabels(context, service, subset) !== undefined;
}
