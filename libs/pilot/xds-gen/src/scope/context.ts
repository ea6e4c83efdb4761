import { labelsMatch } from "@xebec/model-names";
import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import { isVisible } from "@xebec/pilot-registry";
import {
  type DestinationRule,
  dependency,
  type Snapshot,
  serviceSeenFrom,
  type VirtualService,
} from "@xebec/pilot-snapshot";
import type { UnitCache } from "../engine/unit-cache.ts";
import type { ProxyView } from "./proxy.ts";
import { hasSelector, mergesWith } from "./rule-merging.ts";

/**
 * What a generator may read. Every lookup notes its dependency key; what the generator makes is valid until one of them
 * changes.
 */
export class GenerationContext {
  readonly snapshot: Snapshot;
  readonly view: ProxyView;
  readonly dependencies = new Set<string>();

  readonly #cache: UnitCache;
  readonly #isRoot: boolean;

  constructor(snapshot: Snapshot, view: ProxyView, cache: UnitCache, isRoot = false) {
    this.snapshot = snapshot;
    this.view = view;
    this.#cache = cache;
    this.#isRoot = isRoot;
    this.dependencies.add(dependency.mesh);
  }

  /**
   * A part that is made once and shared until something that it read changes.
   * @param name names the part within the view
   */
  part<T>(name: string, make: (context: GenerationContext) => T): T {
    const part = this.#cache.part(name, this.snapshot, this.view, make);
    // Nobody asks a root context what it read: it serves one lookup, and there is one for each proxy and change.
    if (!this.#isRoot) for (const key of part.dependencies) this.dependencies.add(key);
    return part.value;
  }

  /** The service that the view means by a host. */
  service(host: string): MeshService | undefined {
    this.dependencies.add(dependency.service(host));
    return serviceSeenFrom(this.snapshot.services.get(host), this.view.namespace);
  }

  /** The service that a namespace defines for a host, seen or not. */
  serviceOf(host: string, namespace: string): MeshService | undefined {
    this.dependencies.add(dependency.service(host));
    return this.snapshot.services.get(host)?.find((each) => each.namespace === namespace);
  }

  /** All services that the view sees, one for each host, the oldest first. */
  services(): readonly MeshService[] {
    return this.part("services", (inner) => {
      inner.dependencies.add(dependency.services);
      const seen: MeshService[] = [];
      for (const list of inner.snapshot.services.values()) {
        const service = serviceSeenFrom(list, inner.view.namespace);
        if (service) seen.push(service);
      }
      return seen.sort(byAge);
    });
  }

  /** All services that a namespace defines, seen or not, the oldest first. */
  servicesOf(namespace: string): readonly MeshService[] {
    return this.part(`services-of/${namespace}`, (inner) => {
      inner.dependencies.add(dependency.services);
      const own = [...inner.snapshot.services.values()].flat().filter((each) => each.namespace === namespace);
      return own.sort(byAge);
    });
  }

  /** Notes that a service's own definition is read by a part that was handed the service. */
  reads(service: MeshService): void {
    this.dependencies.add(dependency.service(service.host));
  }

  endpoints(service: MeshService): readonly MeshEndpoint[] {
    this.dependencies.add(dependency.endpoints(service.id));
    return this.snapshot.endpoints.get(service.id) ?? [];
  }

  /**
   * The VirtualService that owns a host for sidecars: the most specific host, then the oldest.
   * @param kind only one that has such rules counts: one for TCP alone leaves HTTP to the next
   */
  virtualService(host: string, kind: "http" | "tls" | "tcp"): VirtualService | undefined {
    this.dependencies.add(dependency.virtualService(host));
    this.dependencies.add(dependency.virtualService("*"));
    return this.snapshot.virtualServices.find(
      host,
      (each) =>
        each.gateways.includes("mesh") &&
        (each.spec[kind]?.length ?? 0) > 0 &&
        isVisible(each.exportTo, each.namespace, this.view.namespace),
    )[0];
  }

  /**
   * The DestinationRules for a service, merged order: the proxy's namespace first (unless that is the root namespace, whose
   * rules are meant for everybody), then the service's, then the root namespace. Of several for the same host the oldest that
   * selects this proxy holds, else the oldest for all, with those that merge with it, the oldest first
   * (docs/reference/pilot.md §3.2).
   * @param direction inbound: for the server's own side, where rules for some workloads, which are for clients, do not count
   */
  destinationRules(service: MeshService, direction: "inbound" | "outbound" = "outbound"): readonly DestinationRule[] {
    this.dependencies.add(dependency.destinationRule(service.host));
    this.dependencies.add(dependency.destinationRule("*"));
    const { namespace } = this.view;
    const root = this.snapshot.mesh.rootNamespace;
    for (const owner of new Set(
      namespace === root ? [service.namespace, root] : [namespace, service.namespace, root],
    )) {
      // To whom a rule is exported says nothing of its own namespace, which always sees it.
      const isSeen = (rule: DestinationRule): boolean =>
        owner === namespace || isVisible(rule.exportTo, owner, namespace);
      const found = this.snapshot.destinationRules.find(
        service.host,
        (rule) =>
          rule.namespace === owner &&
          isSeen(rule) &&
          (direction === "inbound" ? !hasSelector(rule) : selects(rule, this.view)),
      );
      const oldest = found.find(hasSelector) ?? found[0];
      if (oldest) return found.filter((rule) => mergesWith(oldest, rule));
    }
    return [];
  }
}

/** A rule with a workload selector is only for proxies of its namespace that have these labels. */
function selects(rule: DestinationRule, view: ProxyView): boolean {
  if (!hasSelector(rule)) return true;
  return rule.namespace === view.namespace && labelsMatch(rule.spec.workloadSelector?.matchLabels, view.labels);
}

function byAge(a: MeshService, b: MeshService): number {
  return a.created === b.created ? compare(a.host, b.host) : compare(a.created, b.created);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
