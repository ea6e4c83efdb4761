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
import { classOf, type MeshProxy, type ProxyClass, type ServiceTarget, targetsKey } from "../scope/proxy.ts";
import { Scope } from "../scope/scope.ts";
import { areNumbers, resolveTargets, serviceTargets } from "../scope/targets.ts";
import { ResourceCache } from "./resource-cache.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { XdsType } from "./type-urls.ts";

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
  readonly #cache = new ResourceCache();
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

  proxyClass(proxy: MeshProxy): ProxyClass {
    return classOf(proxy, this.#snapshot);
  }

  /** Proxies of one class have the same virtual hosts and the same clusters of others. */
  preparationKey(proxy: MeshProxy, proxyClass: ProxyClass): string {
    return proxy.type === "router"
      ? `${proxyClass.key} ${this.#targets(this.#scope(proxyClass), proxy).key}`
      : proxyClass.key;
  }

  /**
   * Makes the many small parts of which the configuration of a class of proxies is put together, in turns of the event loop. What is
   * asked for afterwards is there. It ends early when the snapshot changes meanwhile.
   * @returns undefined when it was done in the first turn; otherwise whether it was done to the end
   */
  prepare(proxy: MeshProxy, proxyClass: ProxyClass, turns: Turns): Promise<boolean> | undefined {
    const units = this.#units(proxy, proxyClass);
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

  *#units(proxy: MeshProxy, proxyClass: ProxyClass): globalThis.Generator<undefined> {
    const scope = this.#scope(proxyClass);
    for (const service of scope.services()) {
      scope.cached(`cds/${service.id}`, (part) => outboundClusters(part, service));
      yield;
    }
    if (proxy.type === "router") yield* gatewayHosts(scope, this.#targets(scope, proxy).targets);
    else yield* outboundHosts(scope, proxy.interception === "NONE");
  }

  /** Frees everything that `use` does not ask for: names are clients' to choose, and classes come and go. */
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
  resources(type: XdsType, proxy: MeshProxy, proxyClass: ProxyClass, names?: NameSet): ResourceSet {
    const scope = this.#scope(proxyClass);
    switch (type) {
      case "cluster":
        return this.#clusters(scope, proxy);
      case "listener":
        return this.#listeners(scope, proxy);
      case "endpoint":
        return scope.cached(`set/eds/${names?.key}`, (inner) =>
          resourceSet((names?.names ?? []).map((name) => this.#assignment(inner, name))),
        );
      case "route":
        return this.#routes(scope, proxy, names?.names ?? [], names?.key ?? "");
      case "extensionconfig":
        return scope.cached(`set/ecds/${names?.key}`, (inner) =>
          resourceSet((names?.names ?? []).flatMap((name) => extensionConfig(inner, name) ?? [])),
        );
    }
  }

  #assignment(scope: Scope, name: string): EncodedResource {
    const part = `eds/${name}`;
    // Nothing is kept for names that only a client knows: there is no end of them.
    return scope.isCached(part) || isServed(scope, name)
      ? scope.cached(part, (inner) => loadAssignment(inner, name))
      : loadAssignment(scope, name);
  }

  #scope(proxyClass: ProxyClass): Scope {
    return new Scope(this.#snapshot, proxyClass, this.#cache);
  }

  #targets(scope: Scope, proxy: MeshProxy): { targets: readonly ServiceTarget[]; key: string } {
    const workload = `${proxy.namespace}/${proxy.labelsKey}`;
    const named = scope.cached(`selecting/${workload}`, (inner) => serviceTargets(inner, proxy));
    // Pods of one workload may differ in what a port's name means, for example while it is rolled out.
    const own = areNumbers(named) ? "" : `${proxy.pod}/${proxy.ip}`;
    return scope.cached(`targets/${workload}/${proxy.interception === "NONE" ? proxy.ip : ""}/${own}`, (inner) => {
      const targets = resolveTargets(
        inner,
        proxy,
        inner.cached(`selecting/${workload}`, (part) => serviceTargets(part, proxy)),
      );
      return { targets, key: targetsKey(proxy, targets) };
    });
  }

  #outboundClusters(scope: Scope): readonly EncodedResource[] {
    return scope.cached("cds/outbound", (outer) =>
      outer
        .services()
        .flatMap((service) => outer.cached(`cds/${service.id}`, (part) => outboundClusters(part, service))),
    );
  }

  /** The clusters of a proxy's own: what it serves. */
  #ownClusters(scope: Scope, proxy: MeshProxy): readonly EncodedResource[] {
    const { targets, key } = this.#targets(scope, proxy);
    return scope.cached(`cds/own/${key}`, (inner) => {
      const own: EncodedResource[] = proxy.type === "sidecar" ? inboundClusters(inner, proxy, targets) : [];
      if (proxy.httpProxyPort > 0) own.push(tunnelCluster(proxy));
      return own;
    });
  }

  #clusters(scope: Scope, proxy: MeshProxy): ResourceSet {
    const { key } = this.#targets(scope, proxy);
    return scope.cached(`set/cds/${key}`, (inner) =>
      resourceSet([
        ...this.#outboundClusters(inner),
        ...inner.cached("cds/standard", standardClusters),
        ...this.#ownClusters(inner, proxy),
      ]),
    );
  }

  /** The listeners that the proxies of a class share. */
  #sharedListeners(scope: Scope, proxy: MeshProxy): readonly EncodedResource[] {
    return proxy.type === "sidecar" && proxy.interception !== "NONE"
      ? scope.cached("lds/outbound", outboundListeners)
      : NOTHING;
  }

  #ownListeners(scope: Scope, proxy: MeshProxy): readonly EncodedResource[] {
    const { targets, key } = this.#targets(scope, proxy);
    return scope.cached(`lds/own/${key}`, (inner) => {
      if (proxy.type === "router") return gatewayListeners(inner, proxy, targets);
      const explicit = proxy.interception === "NONE" ? explicitListeners(inner, proxy, targets) : [];
      return [...explicit, ...inboundListeners(inner, proxy, targets)];
    });
  }

  #listeners(scope: Scope, proxy: MeshProxy): ResourceSet {
    const { key } = this.#targets(scope, proxy);
    return scope.cached(`set/lds/${key}`, (inner) =>
      resourceSet([...this.#sharedListeners(inner, proxy), ...this.#ownListeners(inner, proxy)]),
    );
  }

  /**
   * What a proxy's configuration is made of, but for endpoints, whether the proxy has asked for it yet or not. Proxies that are
   * alike get the very same lists.
   */
  parts(proxy: MeshProxy, proxyClass: ProxyClass): (readonly EncodedResource[])[] {
    const scope = this.#scope(proxyClass);
    const listeners = [this.#sharedListeners(scope, proxy), this.#ownListeners(scope, proxy)];
    return [
      ...[this.#outboundClusters(scope), this.#ownClusters(scope, proxy), ...listeners],
      ...routeNames(proxy, listeners).map((name) => this.#routeTable(scope, proxy, name)),
    ];
  }

  #routeTable(scope: Scope, proxy: MeshProxy, name: string): readonly EncodedResource[] {
    const key = proxy.type === "router" ? this.#targets(scope, proxy).key : "";
    return scope.cached(`rds/alone/${key}/${name}`, (inner) => [this.#route(inner, proxy, name)]);
  }

  /** The ports that a workload serves; undefined where traffic of every port is captured. */
  servedPorts(proxy: MeshProxy, proxyClass: ProxyClass): ReadonlySet<number> | undefined {
    if (proxy.interception !== "NONE") return undefined;
    return new Set(this.#targets(this.#scope(proxyClass), proxy).targets.map(({ targetPort }) => targetPort));
  }

  #routes(scope: Scope, proxy: MeshProxy, names: readonly string[], namesKey: string): ResourceSet {
    const key = proxy.type === "router" ? this.#targets(scope, proxy).key : "";
    return scope.cached(`set/rds/${key}/${namesKey}`, (inner) =>
      resourceSet(names.map((name) => this.#route(inner, proxy, name))),
    );
  }

  #route(scope: Scope, proxy: MeshProxy, name: string): EncodedResource {
    const router = proxy.type === "router";
    const { targets, key } = router ? this.#targets(scope, proxy) : { targets: [], key: "" };
    return scope.cached(`rds/${key}/${name}`, (part) =>
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
function isServed(scope: Scope, name: string): boolean {
  const { direction, host = "", port, subset } = parseCluster(name) ?? {};
  const service = direction === "outbound" ? scope.service(host) : undefined;
  if (service?.resolution !== "eds" || !service.ports.some((each) => each.number === port)) return false;
  return !subset || subsetLabels(scope, service, subset) !== undefined;
}
