import type { InstanceOf, templates } from "@xebec/mixer-sdk";

export type EdgeInstance = InstanceOf<typeof templates.edge>;

/** Something of the mesh, or that one thing belongs to another or calls it. */
export type Assertion =
  | { readonly entity: { readonly typeName: string; readonly fullName: string } & Readonly<Record<string, unknown>> }
  | {
      readonly relationship: {
        readonly typeName: string;
        readonly sourceFullName: string;
        readonly targetFullName: string;
      };
    };

/** Everything is asserted again after this time. */
const AGAIN_MS = 540_000;
const MAX_KNOWN = 100_000;
const PROTOCOLS: Readonly<Record<string, string>> = { http: "Http", https: "Https", tcp: "Tcp", grpc: "Grpc" };

/** The graph of workloads, of which only what is new is asserted (docs/reference/mixer.md §6.20). */
export class Graph {
  readonly #project: string;
  readonly #asserted = new Map<string, number>();

  constructor(project: string) {
    this.#project = project;
  }

  /** @returns what has to be asserted for calls */
  assertions(edges: readonly EdgeInstance[], now: number): Assertion[] {
    if (this.#asserted.size > MAX_KNOWN) this.#asserted.clear();
    return edges
      .flatMap((each) => this.#of(each))
      .filter((each) => {
        const key = JSON.stringify(each);
        if (now - (this.#asserted.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return false;
        this.#asserted.set(key, now);
        return true;
      });
  }

  #of(edge: EdgeInstance): Assertion[] {
    const source = this.#workload(
      edge.sourceUid,
      edge.sourceOwner,
      edge.sourceWorkloadNamespace,
      edge.sourceWorkloadName,
    );
    const destination = this.#workload(
      ...[edge.destinationUid, edge.destinationOwner, edge.destinationWorkloadNamespace, edge.destinationWorkloadName],
    );
    const { contextProtocol = "", apiProtocol = "" } = edge;
    const protocol = PROTOCOLS[contextProtocol === "tcp" || contextProtocol === "http" ? contextProtocol : apiProtocol];
    const calls = protocol
      ? source.names.flatMap((from) =>
          destination.names.map((to) => relationship(`google.cloud.contextgraph.Communication.${protocol}`, from, to)),
        )
      : [];
    return [...source.assertions, ...destination.assertions, ...calls];
  }

  #workload(
    uid = "Unknown",
    owner = "unknown",
    namespace = "",
    name = "",
  ): { names: string[]; assertions: Assertion[] } {
    const base = `//istio.io/projects/${this.#project}/meshes/${encodeURIComponent(`${this.#project}/mesh`)}`;
    const [instance, ownerName, workload] = [
      `${base}/workloadInstances/${encodeURIComponent(uid)}`,
      `${base}/owners/${encodeURIComponent(owner)}`,
      `${base}/workloads/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`,
    ] as const;
    const entity = (typeName: string, fullName: string, ...shortNames: readonly string[]): Assertion => ({
      entity: {
        ...{ containerFullName: `//cloudresourcemanager.googleapis.com/projects/${this.#project}`, typeName, fullName },
        ...{ location: "global", shortNames },
      },
    });
    const membership = "google.cloud.contextgraph.Membership";
    return {
      names: [instance, ownerName, workload],
      assertions: [
        entity("io.istio.WorkloadInstance", instance, uid),
        entity("io.istio.Owner", ownerName, owner),
        entity("io.istio.Workload", workload, namespace, name),
        relationship(membership, workload, ownerName),
        relationship(membership, ownerName, instance),
      ],
    };
  }
}

function relationship(typeName: string, sourceFullName: string, targetFullName: string): Assertion {
  return { relationship: { typeName, sourceFullName, targetFullName } };
}

/** The request that asserts. @param now milliseconds since 1970 UTC */
export function assertBatch(assertions: readonly Assertion[], now: number): object {
  const timestamp = new Date(now).toISOString();
  return {
    entityPresentAssertions: assertions.flatMap((each) =>
      "entity" in each ? [{ timestamp, entity: each.entity }] : [],
    ),
    relationshipPresentAssertions: assertions.flatMap((each) =>
      "relationship" in each ? [{ timestamp, relationship: each.relationship, owningEntity: "SOURCE" }] : [],
    ),
  };
}
