// A few services and objects. For tests.
import { findKind, type Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "./mesh-builder.testkit.ts";
import type { Snapshot } from "./snapshot.ts";

/** An object as it comes from galley. */
export function object(
  kind: string,
  name: string,
  spec: object,
  { namespace = "default", created = "2026-01-01T00:00:00Z" } = {},
): Resource {
  const group = findKind(kind)?.group ?? "";
  return { group, version: "v1", kind, namespace, name, creationTimestamp: created, spec };
}

interface ServiceOptions {
  readonly namespace?: string;
  /** Port numbers by name. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Whether its one pod has a sidecar. */
  readonly sidecar?: boolean;
  readonly headless?: boolean;
}

/** A Kubernetes service with one pod, `10.0.0.1`, labelled `app: NAME` and `version: v1`. */
export function service(
  name: string,
  { namespace = "default", ports = { http: 9080 }, sidecar = true, headless = false }: ServiceOptions = {},
): WorkloadRecord[] {
  const list = Object.entries(ports);
  const pod = `${namespace}/${name}-1`;
  return [
    {
      ...{ type: "service", namespace, name, hostname: `${name}.${namespace}.svc.cluster.local` },
      ...(headless ? { addresses: [], headless } : { addresses: ["10.96.0.1"] }),
      ports: list.map(([port, number]) => ({ name: port, port: number, targetPort: number, protocol: "TCP" })),
      selector: { app: name },
    },
    {
      ...{ type: "pod", namespace, name: `${name}-1`, uid: "", ip: "10.0.0.1", serviceAccount: name, ready: true },
      labels: { app: name, version: "v1", ...(sidecar ? { "security.istio.io/tlsMode": "istio" } : {}) },
      workload: { kind: "Deployment", name },
      ports: [],
    },
    {
      ...{ type: "endpoints", namespace, name },
      subsets: [
        {
          addresses: [{ ip: "10.0.0.1", ready: true, pod }],
          ports: list.map(([port, number]) => ({ name: port, port: number })),
        },
      ],
    },
  ];
}

/** The snapshot of these objects and records. */
export function snapshotOf(objects: readonly Resource[], records: readonly WorkloadRecord[] = []): Snapshot {
  return new MeshBuilder().apply({ config: { puts: objects, deletes: [] }, workloads: { puts: records, deletes: [] } })
    .snapshot;
}
