import type { Turns } from "@xebec/core-async";
import { parseCluster } from "@xebec/model-names";
import type { Snapshot } from "@xebec/pilot-snapshot";
import { inboundClusters } from "../cluster/inbound-clusters.ts";
import { outboundClusters } from "../cluster/outbound-clusters.ts";
import { standardClusters, tunnelCluster } from "../cluster/standard-clusters.ts";
import { subsetLabels } from "../cluster/subset.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { loadAssignment } from "../endpoint/endpoints.ts";
import { extensionConfig } from "../filter/http/extension-config.ts";
import { gatewayHosts, gatewayListeners, gatewayRouteTable } from "../listener/gateway/gateway.ts";
import { inboundListeners } from "../listener/inbound/inbound-listeners.ts";
import { explicitListeners, outboundListeners } from "../listener/outbound/outbound-listeners.ts";
import { HTTP_PROXY_ROUTE, httpProxyRouteTable, outboundHosts, outboundRouteTable } from "../route/route-table.ts";
import { GenerationContext } from "../scope/context.ts";
import { type MeshProxy, type ProxyView, type ServiceTarget, targetsKey, viewOf } from "../scope/proxy.ts";
import { areNumbers, resolveTargets, serviceTargets } from "../scope/targets.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
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
  #epoch = 0;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** Changes with each update: the same call gives the same resources until then. */
  get epoch(): number {
    return this.#epoch;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Goes on to a newer snapshot; everything that read one of these keys is made anew when it is wanted. */
  update(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    this.#snapshot = snapshot;
    this.#epoch++;
    this.#cache.invalidate(changed);
  }

  view(proxy: MeshProxy): ProxyView {
    return viewOf(proxy, this.#snapshot);
  }

  /** Proxies of one class have the same virtual hosts and the same clusters of others. */
  classOf(proxy: MeshProxy, view: ProxyView): string {
    return proxy.type === "router" ? `${view.key} ${this.#targets(this.#context(view), proxy).key}` : view.key;
  }

  /**
   * Makes the many small parts of which the configuration of a class of proxies is put together, in turns of the event loop. What is
   * asked for afterwards is there. It ends early when the snapshot changes meanwhile.
   * @returns undefined when it was done in the first turn; otherwise whether it was done to the end
   */
  prepare(proxy: MeshProxy, view: ProxyView, turns: Turns): Promise<boolean> | undefined {
    const units = this.#units(proxy, view);
    for (;;) {
      if (units.next().done) return undefined;
      const turn = turns.next();
      if (turn) return this.#goOn(units, turn, turns);
    }
  }

  async #goOn(units: Iterator<undefined>, turn: Promise<void>, turns: Turns): Promise<boolean> {
    const snapshot = this.#snapshot;
    await turn;
    // What is made of an older snapshot must not be kept.
    while (this.#snapshot === snapshot) {
      if (units.next().done) return true;
      await turns.next();
    }
    return false;
  }

  *#units(proxy: MeshProxy, view: ProxyView): globalThis.Generator<undefined> {
    const context = this.#context(view);
    for (const service of context.services()) {
      context.part(`cds/${service.id}`, (part) => outboundClusters(part, service));
      yield;
    }
    if (proxy.type === "router") yield* gatewayHosts(context, this.#targets(context, proxy).targets);
    else yield* outboundHosts(context, proxy.interception === "NONE");
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

  #outboundClusters(context: GenerationContext): readonly EncodedResource[] {
    return context.part("cds/outbound", (outer) =>
      outer.services().flatMap((service) => outer.part(`cds/${service.id}`, (part) => outboundClusters(part, service))),
    );
  }

  /** The clusters of a proxy's own: what it serves. */
  #ownClusters(context: GenerationContext, proxy: MeshProxy): readonly EncodedResource[] {
    const { targets, key } = this.#targets(context, proxy);
    return context.part(`cds/own/${key}`, (inner) => {
      const own: EncodedResource[] = proxy.type === "sidecar" ? inboundClusters(inner, proxy, targets) : [];
      if (proxy.httpProxyPort > 0) own.push(tunnelCluster(proxy));
      return own;
    });
  }

  #clusters(context: GenerationContext, proxy: MeshProxy): ResourceSet {
    const { key } = this.#targets(context, proxy);
    return context.part(`set/cds/${key}`, (inner) =>
      resourceSet([
        ...this.#outboundClusters(inner),
        ...inner.part("cds/standard", standardClusters),
        ...this.#ownClusters(inner, proxy),
      ]),
    );
  }

  /** The listeners that proxies of a view share. */
  #sharedListeners(context: GenerationContext, proxy: MeshProxy): readonly EncodedResource[] {
    return proxy.type === "sidecar" && proxy.interception !== "NONE"
      ? context.part("lds/outbound", outboundListeners)
      : NOTHING;
  }

  #ownListeners(context: GenerationContext, proxy: MeshProxy): readonly EncodedResource[] {
    const { targets, key } = this.#targets(context, proxy);
    return context.part(`lds/own/${key}`, (inner) => {
      if (proxy.type === "router") return gatewayListeners(inner, proxy, targets);
      const explicit = proxy.interception === "NONE" ? explicitListeners(inner, proxy, targets) : [];
      return [...explicit, ...inboundListeners(inner, proxy, targets)];
    });
  }

  #listeners(context: GenerationContext, proxy: MeshProxy): ResourceSet {
    const { key } = this.#targets(context, proxy);
    return context.part(`set/lds/${key}`, (inner) =>
      resourceSet([...this.#sharedListeners(inner, proxy), ...this.#ownListeners(inner, proxy)]),
    );
  }

  /**
   * What a proxy's configuration is made of, but for endpoints, whether the proxy has asked for it yet or not. Proxies that are
   * alike get the very same lists.
   */
  parts(proxy: MeshProxy, view: ProxyView): (readonly EncodedResource[])[] {
    const context = this.#context(view);
    const listeners = [this.#sharedListeners(context, proxy), this.#ownListeners(context, proxy)];
    return [
      ...[this.#outboundClusters(context), this.#ownClusters(context, proxy), ...listeners],
      ...routeNames(proxy, listeners).map((name) => this.#routeTable(context, proxy, name)),
    ];
  }

  #routeTable(context: GenerationContext, proxy: MeshProxy, name: string): readonly EncodedResource[] {
    const key = proxy.type === "router" ? this.#targets(context, proxy).key : "";
    return context.part(`rds/alone/${key}/${name}`, (inner) => [this.#route(inner, proxy, name)]);
  }

  /** The ports that a workload serves; undefined where traffic of every port is captured. */
  servedPorts(proxy: MeshProxy, view: ProxyView): ReadonlySet<number> | undefined {
    if (proxy.interception !== "NONE") return undefined;
    return new Set(this.#targets(this.#context(view), proxy).targets.map(({ targetPort }) => targetPort));
  }

  #routes(context: GenerationContext, proxy: MeshProxy, names: readonly string[], namesKey: string): ResourceSet {
    const key = proxy.type === "router" ? this.#targets(context, proxy).key : "";
    return context.part(`set/rds/${key}/${namesKey}`, (inner) =>
      resourceSet(names.map((name) => this.#route(inner, proxy, name))),
    );
  }

  #route(context: GenerationContext, proxy: MeshProxy, name: string): EncodedResource {
    const router = proxy.type === "router";
    const { targets, key } = router ? this.#targets(context, proxy) : { targets: [], key: "" };
    return context.part(`rds/${key}/${name}`, (part) =>
      router
        ? gatewayRouteTable(part, name, targets)
        : name === HTTP_PROXY_ROUTE
          ? httpProxyRouteTable(part)
          : outboundRouteTable(part, name),
    );
  }
}

const NOTHING: readonly EncodedResource[] = [];
const GATEWAY_LISTENER = /_(\d+)$/;
const SHARED_LISTENER = /^0\.0\.0\.0_(\d+)$/;

/** The route tables that a proxy's listeners lead to. */
function routeNames(proxy: MeshProxy, lists: readonly (readonly EncodedResource[])[]): readonly string[] {
  if (proxy.type === "router") return lists.flatMap((list) => namesIn(list, GATEWAY_LISTENER, "http."));
  if (proxy.interception === "NONE") return proxy.httpProxyPort > 0 ? [HTTP_PROXY_ROUTE] : [];
  return lists.flatMap((list) => namesIn(list, SHARED_LISTENER, ""));
}

/** Names of a list's listeners; a list is the same for a thousand proxies. */
const listed = new WeakMap<readonly EncodedResource[], readonly string[]>();

function namesIn(list: readonly EncodedResource[], pattern: RegExp, prefix: string): readonly string[] {
  let names = listed.get(list);
  if (!names) {
    names = list.flatMap(({ name }) => {
      const port = pattern.exec(name)?.[1];
      return port ? [`${prefix}${port}`] : [];
    });
    listed.set(list, names);
  }
  return names;
}

/** True for the name of a cluster that there is, whose endpoints come by EDS. */
function isServed(context: GenerationContext, name: string): boolean {
  const { direction, host = "", port, subset } = parseCluster(name) ?? {};
  const service = direction === "outbound" ? context.service(host) : undefined;
  if (service?.resolution !== "eds" || !service.ports.some((each) => each.number === port)) return false;
  return !subset || subsetLabels(context, service, subset) !== undefined;
}
