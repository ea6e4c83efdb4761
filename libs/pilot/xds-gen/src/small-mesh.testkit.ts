// A few services and rules, and what comes of them in Envoy's own JSON form. For tests.
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { registry } from "@xebec/api-envoy/registry";
import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { type Snapshot, SnapshotBuilder } from "@xebec/pilot-snapshot";
import { ResourceCache } from "./engine/resource-cache.ts";
import { type MeshProxy, proxyOf } from "./scope/proxy.ts";
import { classOf } from "./scope/proxy-class.ts";
import { Scope } from "./scope/scope.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON of any message
export type Json = any;

const GROUPS: Readonly<Record<string, string>> = {
  PeerAuthentication: "security.istio.io",
  MeshConfig: "mesh.xebec.io",
};

/** An object as it comes from galley. */
export function object(
  kind: string,
  name: string,
  spec: object,
  { namespace = "default", created = "2026-01-01T00:00:00Z" } = {},
): Resource {
  const group = GROUPS[kind] ?? "networking.istio.io";
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
  const builder = new SnapshotBuilder({ domain: "cluster.local", trustDomain: "cluster.local" });
  return builder.apply({ config: { puts: objects, deletes: [] }, workloads: { puts: records, deletes: [] } }).snapshot;
}

/** A sidecar of the namespace `default`, unless something else is said. */
export function proxy(metadata: Record<string, unknown> = {}, id = "sidecar~10.0.0.7~client.default~x"): MeshProxy {
  return proxyOf({ id, metadata, locality: "" });
}

/** A scope as the builders get it. @param reads gets the dependency keys */
export function scopeOf(snapshot: Snapshot, each: MeshProxy = proxy(), reads?: Set<string>): Scope {
  return new Scope({ snapshot, cache: new ResourceCache(), patches: [] }, classOf(each, snapshot), reads);
}

/** Encoded bytes as Envoy's JSON. */
export function jsonOf(schema: DescMessage, bytes: Uint8Array): Json {
  return toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true });
}
