import { canonicalHost, hostCovers, labelsMatch, resolveShortName } from "@xebec/model-names";
import { type AnalyzedObject, type Fields, items, text, textMap, texts } from "./object.ts";
import { type PodTemplate, podTemplateOf } from "./workload.ts";

/** A host that can be called: of a Kubernetes Service or of a ServiceEntry. */
export interface KnownService {
  /** Fully qualified; it may be a wildcard. */
  readonly host: string;
  readonly namespace: string;
  readonly ports: readonly Fields[];
  /** Namespaces that see it; `*` for all. */
  readonly exportTo: readonly string[];
  /** Labels of its pods; undefined when it selects none. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly object: AnalyzedObject;
}

const EXPORT_ANNOTATION = "networking.istio.io/exportTo";

/** All objects, with what analyzers ask of them. */
export class World {
  readonly objects: readonly AnalyzedObject[];
  readonly rootNamespace: string;
  readonly domain: string;
  readonly services: readonly KnownService[];
  readonly pods: readonly PodTemplate[];
  /** The mesh configuration; empty when there is none. */
  readonly mesh: Fields;
  readonly #byKind: ReadonlyMap<string, readonly AnalyzedObject[]>;
  readonly #serviceByHost: ReadonlyMap<string, readonly KnownService[]>;
  readonly #wildcards: readonly KnownService[];

  constructor(objects: readonly AnalyzedObject[], { domain = "cluster.local" } = {}) {
    this.objects = objects;
    this.domain = domain;
    this.#byKind = Map.groupBy(objects, ({ group, kind }) => `${group}/${kind}`);
    this.mesh = this.all("mesh.xebec.io", "MeshConfig")[0]?.spec ?? {};
    this.rootNamespace = text(this.mesh.rootNamespace) || "istio-system";
    this.services = [
      ...this.all("", "Service").map((object) => this.#kubernetesService(object)),
      ...this.all("networking.istio.io", "ServiceEntry").flatMap((object) => this.#serviceEntry(object)),
    ];
    this.#serviceByHost = Map.groupBy(this.services, ({ host }) => host);
    this.#wildcards = this.services.filter(({ host }) => host.startsWith("*"));
    this.pods = objects.flatMap((object) => podTemplateOf(object) ?? []);
  }

  /** All objects of a kind, those included that nothing is reported of. */
  all(group: string, kind: string): readonly AnalyzedObject[] {
    return this.#byKind.get(`${group}/${kind}`) ?? [];
  }

  find(group: string, kind: string, namespace: string, name: string): AnalyzedObject | undefined {
    return this.all(group, kind).find((each) => each.namespace === namespace && each.name === name);
  }

  /** The labels of a namespace; undefined when no object Namespace is known. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>> | undefined {
    return this.find("", "Namespace", "", namespace)?.labels;
  }

  /** A host of an object in this namespace, fully qualified. */
  fullHost(host: string, namespace: string): string {
    return canonicalHost(resolveShortName(host, namespace, this.domain));
  }

  /** The service that a namespace reaches by a fully qualified host. */
  serviceOf(host: string, namespace: string): KnownService | undefined {
    const isVisible = ({ exportTo, namespace: own }: KnownService): boolean =>
      exportTo.length === 0 ||
      exportTo.some((each) => each === "*" || each === namespace || (each === "." && own === namespace));
    return (
      (this.#serviceByHost.get(host) ?? []).find(isVisible) ??
      this.#wildcards.find((each) => hostCovers(each.host, host) && isVisible(each))
    );
  }

  /** Pods with these labels, in one namespace or, when it is undefined, in all of them. */
  podsWith(labels: Readonly<Record<string, string>>, namespace: string | undefined): PodTemplate[] {
    return this.pods.filter(
      (pod) => (namespace === undefined || pod.namespace === namespace) && labelsMatch(labels, pod.labels),
    );
  }

  /** The pods of a service. */
  podsOf({ selector, namespace }: KnownService): PodTemplate[] {
    return selector ? this.podsWith(selector, namespace) : [];
  }

  #kubernetesService(object: AnalyzedObject): KnownService {
    const selector = textMap(object.spec.selector);
    return {
      host: `${object.name}.${object.namespace}.svc.${this.domain}`,
      namespace: object.namespace,
      ports: items(object.spec.ports),
      exportTo: (object.annotations[EXPORT_ANNOTATION] ?? "").split(",").flatMap((each) => each.trim() || []),
      selector: Object.keys(selector).length > 0 ? selector : undefined,
      object,
    };
  }

  #serviceEntry(object: AnalyzedObject): KnownService[] {
    return texts(object.spec.hosts).map((host) => ({
      host: canonicalHost(host),
      namespace: object.namespace,
      ports: items(object.spec.ports),
      exportTo: texts(object.spec.exportTo),
      selector: undefined,
      object,
    }));
  }
}

/** Whether two lists of `exportTo`, of objects in these namespaces, have a namespace in common. */
export function exportsOverlap(a: AnalyzedObject, b: AnalyzedObject): boolean {
  const scopes = (object: AnalyzedObject): readonly string[] => {
    const exportTo = texts(object.spec.exportTo);
    return exportTo.length === 0 ? ["*"] : exportTo.map((each) => (each === "." ? object.namespace : each));
  };
  const [left, right] = [scopes(a), scopes(b)];
  return left.some((each) => right.some((other) => each === other || each === "*" || other === "*"));
}
