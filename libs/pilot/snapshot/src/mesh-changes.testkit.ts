// Random changes of a small mesh, in which names, addresses, hosts and ages meet often. For property tests.
import {
  createIssuer,
  createRoot,
  generateKey,
  privateKeyPem,
  publicKeyDer,
  type SecretRecord,
  secretKey,
  secretRecordOf,
} from "@xebec/model-pki";
import { keyOf, type Resource } from "@xebec/model-resources";
import { type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import fc from "fast-check";
import type { MeshChange } from "./mesh-builder.testkit.ts";

const NAMESPACES = ["default", "prod", "istio-system"];
const DOMAIN = "svc.cluster.local";

const namespace = fc.constantFrom(...NAMESPACES);
const app = fc.constantFrom("reviews", "ratings");
const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
const labels = fc.record({ app, version: fc.constantFrom("v1", "v2") });
const exportTo = fc.constantFrom(undefined, ["*"], ["."], ["prod"]);
const host = fc.constantFrom(
  "reviews",
  "ratings",
  `reviews.prod.${DOMAIN}`,
  `*.prod.${DOMAIN}`,
  "api.example.com",
  "*.example.com",
  "*",
);
const maybe = <T>(each: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(each, { nil: undefined });

function resource(group: string, kind: string, name: fc.Arbitrary<string>, spec: fc.Arbitrary<object>) {
  return fc
    .record({ namespace, name, creationTimestamp: created, spec })
    .map((each): Resource => ({ group, version: "v1", kind, ...each, spec: withoutHoles(each.spec) }));
}

/** Fields that are undefined are left out, as in an object that was read from a file. */
function withoutHoles(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object;
}

const destination = fc.record({
  destination: fc.record({ host, subset: fc.constantFrom(undefined, "v1", "v2") }),
  weight: fc.constantFrom(undefined, 0, 30, 70),
});
const virtualService = resource(
  "networking.istio.io",
  "VirtualService",
  fc.constantFrom("a", "b"),
  fc.record({
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
    gateways: fc.constantFrom(undefined, ["mesh"], ["web"], ["mesh", "prod/web"]),
    exportTo,
    http: fc.array(
      fc.record({
        match: fc.constantFrom(
          undefined,
          [{ uri: { prefix: "/api" } }],
          [{ sourceLabels: { app: "reviews" } }],
          [{ sourceNamespace: "prod" }, { port: 9080 }],
        ),
        route: fc.array(destination, { minLength: 1, maxLength: 2 }),
        timeout: fc.constantFrom(undefined, "2s"),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    tls: fc.constantFrom(undefined, [
      {
        match: [{ sniHosts: ["api.example.com"] }, { port: 443, sniHosts: [`reviews.prod.${DOMAIN}`] }],
        route: [{ destination: { host: "reviews" } }],
      },
    ]),
  }),
);
const destinationRule = resource(
  "networking.istio.io",
  "DestinationRule",
  fc.constantFrom("a", "b"),
  fc.record({
    host,
    exportTo,
    subsets: fc.constantFrom(
      undefined,
      [{ name: "v1", labels: { version: "v1" } }],
      [
        { name: "v1", labels: { version: "v2" } },
        { name: "v2", labels: { version: "v2" } },
      ],
    ),
    trafficPolicy: fc.constantFrom(
      undefined,
      { tls: { mode: "ISTIO_MUTUAL" } },
      { loadBalancer: { consistentHash: { useSourceIp: true } } },
    ),
    workloadSelector: fc.constantFrom(undefined, { matchLabels: { version: "v1" } }),
  }),
);
const gateway = resource(
  "networking.istio.io",
  "Gateway",
  fc.constantFrom("web", "other"),
  fc.record({
    selector: fc.constantFrom({ istio: "ingress" }, { app: "reviews" }),
    servers: fc
      .record({
        hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
        tls: fc.constantFrom(
          undefined,
          { mode: "SIMPLE", credentialName: "cert" },
          { mode: "MUTUAL", credentialName: "cert" },
          { mode: "PASSTHROUGH" },
          { mode: "AUTO_PASSTHROUGH" },
        ),
      })
      .map(({ hosts, tls }) => [
        { hosts, port: { number: 80, name: "http", protocol: "HTTP" } },
        ...(tls ? [{ hosts, port: { number: 443, name: "https", protocol: "HTTPS" }, tls }] : []),
      ]),
  }),
);
/** Two versions of a certificate, one that is broken, and authorities. */
const root = createRoot({ keyType: "P-256", organization: "test", notBefore: 0, notAfter: 4_000_000_000_000 });
const pair = () => {
  const key = generateKey("P-256");
  const cert = createIssuer(root.certificate, root.key).issue({
    ...{ publicKey: publicKeyDer(key), names: { dns: ["a.example"] }, notBefore: 0, notAfter: 4_000_000_000_000 },
  });
  return { cert, key: privateKeyPem(key) };
};
const secret = fc
  .record({
    namespace: fc.constantFrom("istio-system", "prod"),
    name: fc.constantFrom("cert", "cert-cacert"),
    data: fc.constantFrom(
      pair(),
      { ...pair(), cacert: root.certificate },
      { cert: "x", key: "x" },
      { cacert: root.certificate },
    ),
  })
  .map(({ data, ...id }) => secretRecordOf("Secret", id, { stringData: data }) as SecretRecord);
const serviceEntry = resource(
  "networking.istio.io",
  "ServiceEntry",
  fc.constantFrom("a", "b"),
  fc.record({
    hosts: fc.uniqueArray(fc.constantFrom("api.example.com", "*.example.com", `reviews.prod.${DOMAIN}`), {
      minLength: 1,
      maxLength: 2,
    }),
    ports: fc.constantFrom(
      [{ number: 80, name: "http", protocol: "HTTP" }],
      [
        { number: 9080, name: "http", protocol: "HTTP" },
        { number: 27017, name: "mongo", protocol: "TCP" },
      ],
    ),
    resolution: fc.constantFrom("NONE", "STATIC", "DNS"),
    location: fc.constantFrom("MESH_EXTERNAL", "MESH_INTERNAL"),
    endpoints: fc.constantFrom(
      undefined,
      [{ address: "10.0.0.1", serviceAccount: "api" }, { address: "10.1.0.2" }],
      [{ address: "10.0.0.2" }],
    ),
    exportTo,
  }),
);
const egressHost = fc.constantFrom(
  "*/*",
  "./*",
  "prod/*",
  "~/*",
  `*/*.prod.${DOMAIN}`,
  "*/api.example.com",
  "default/*.example.com",
  `prod/reviews.prod.${DOMAIN}`,
);
const sidecar = resource(
  "networking.istio.io",
  "Sidecar",
  fc.constantFrom("a", "b"),
  fc.record({
    workloadSelector: maybe(fc.record({ labels: fc.record({ app }) })),
    ingress: fc.constantFrom(
      undefined,
      [{ port: { number: 9080, name: "http", protocol: "HTTP" }, defaultEndpoint: "0.0.0.0:8080" }],
      [{ port: { number: 8080, protocol: "TCP" }, captureMode: "NONE", bind: "127.0.0.9" }],
    ),
    egress: fc
      .tuple(maybe(fc.uniqueArray(egressHost, { minLength: 1, maxLength: 2 })), maybe(egressHost))
      .map(([all, own]) => [
        ...(own ? [{ port: { number: 9080, protocol: "HTTP" }, hosts: [own] }] : []),
        ...(all ? [{ hosts: all }] : []),
      ]),
    inboundConnectionPool: fc.constantFrom(undefined, { tcp: { maxConnections: 3 } }),
    outboundTrafficPolicy: fc.constantFrom(undefined, { mode: "ALLOW_ANY" }, { mode: "REGISTRY_ONLY" }),
  }),
);
const peerAuthentication = resource(
  "security.istio.io",
  "PeerAuthentication",
  fc.constantFrom("a", "b"),
  fc.record({
    selector: maybe(fc.record({ matchLabels: fc.record({ app }) })),
    mtls: maybe(fc.record({ mode: fc.constantFrom("UNSET", "DISABLE", "PERMISSIVE", "STRICT") })),
    portLevelMtls: fc.constantFrom(undefined, { "9080": { mode: "DISABLE" } }),
  }),
);
// Most of them are in a place where they must have no effect.
const meshConfig = resource(
  "mesh.xebec.io",
  "MeshConfig",
  fc.constantFrom("mesh", "other"),
  fc.record({
    rootNamespace: fc.constantFrom(undefined, "prod"),
    trustDomain: fc.constantFrom(undefined, "other.example"),
    enableAutoMtls: fc.constantFrom(undefined, false),
  }),
);
const mixer = fc.oneof(
  resource(
    "config.istio.io",
    "rule",
    fc.constantFrom("a", "b"),
    fc.record({
      actions: fc.constantFrom(
        [{ handler: "h", instances: ["nothing"] }],
        [{ handler: "h", instances: ["count.metric"] }],
      ),
    }),
  ),
  resource("config.istio.io", "instance", fc.constant("nothing"), fc.constant({ compiledTemplate: "checknothing" })),
  resource(
    "config.istio.io",
    "metric",
    fc.constant("count"),
    fc.constant({ value: "1", dimensions: { user: 'request.headers["end-user"] | ""' } }),
  ),
);

const service = fc.record({ namespace, name: app, kind: fc.nat(2), creationTimestamp: created, exportTo }).map(
  ({ namespace: ns, name, kind, creationTimestamp, exportTo: seen }): WorkloadRecord => ({
    ...{ type: "service", namespace: ns, name, hostname: `${name}.${ns}.${DOMAIN}`, creationTimestamp },
    addresses: kind === 1 ? [] : ["10.96.0.1"],
    ...(kind === 1 ? { headless: true } : kind === 2 ? { externalName: "api.example.com" } : {}),
    ...(seen ? { annotations: { "networking.istio.io/exportTo": seen.join() } } : {}),
    ports: [
      { name: "http", port: 9080, targetPort: kind === 0 ? "web" : 9080, protocol: "TCP" },
      { name: "tcp-db", port: 27017, targetPort: 27017, protocol: "TCP" },
    ],
    selector: { app: name },
  }),
);
const podName = fc.constantFrom("p1", "p2", "p3");
const ip = fc.constantFrom("10.0.0.1", "10.0.0.2");
const endpoints = fc
  .record({
    namespace,
    name: app,
    addresses: fc.uniqueArray(fc.record({ ip, ready: fc.boolean(), pod: maybe(fc.tuple(namespace, podName)) }), {
      maxLength: 3,
      selector: (each) => each.ip,
    }),
  })
  .map(
    ({ addresses, ...rest }): WorkloadRecord => ({
      ...{ type: "endpoints", ...rest },
      subsets: [
        {
          addresses: addresses.map(({ pod, ...each }) => ({ ...each, ...(pod ? { pod: pod.join("/") } : {}) })),
          ports: [
            { name: "http", port: 9080 },
            { name: "tcp-db", port: 27017 },
          ],
        },
      ],
    }),
  );
const pod = fc
  .record({ namespace, name: podName, ip, labels, mtls: fc.boolean(), port: fc.constantFrom(9080, 8080) })
  .map(
    ({ mtls, port, ...rest }): WorkloadRecord => ({
      ...{ type: "pod", ...rest, uid: "", serviceAccount: rest.labels.app, locality: "r/z" },
      labels: { ...rest.labels, ...(mtls ? { "security.istio.io/tlsMode": "istio" } : {}) },
      workload: { kind: "Deployment", name: rest.labels.app },
      ports: [{ name: "web", containerPort: port }],
      ready: true,
    }),
  );

const config = fc.oneof(
  ...[virtualService, destinationRule, gateway, serviceEntry, sidecar, peerAuthentication, mixer, meshConfig],
);
const workload = fc.oneof(service, endpoints, pod);

/** What a state holds, by key. */
export interface MeshState {
  readonly secrets?: Map<string, SecretRecord>;
  readonly config: Map<string, Resource>;
  readonly workloads: Map<string, WorkloadRecord>;
}

/** Several generations, one after the other; each key stands in a generation once. */
export const generations: fc.Arbitrary<MeshChange[]> = fc.array(
  fc
    .record({
      config: fc.array(fc.tuple(config, fc.integer({ min: 0, max: 3 })), { maxLength: 4 }),
      workloads: fc.array(fc.tuple(workload, fc.integer({ min: 0, max: 3 })), { maxLength: 5 }),
      secrets: fc.array(fc.tuple(secret, fc.integer({ min: 0, max: 3 })), { maxLength: 2 }),
    })
    .map((each) => ({
      ...secretsOf(changeOf(each.secrets, secretKey)),
      config: changeOf(each.config, keyOf),
      workloads: changeOf(each.workloads, workloadKey),
    })),
  { minLength: 1, maxLength: 8 },
);

/** One of four is a deletion, also of what is not there. */
function changeOf<T>(list: readonly (readonly [T, number])[], keyOf: (each: T) => string) {
  const byKey = new Map(list.map(([each, dice]) => [keyOf(each), dice === 0 ? undefined : each]));
  return {
    puts: [...byKey.values()].filter((each) => each !== undefined),
    deletes: [...byKey].filter(([, each]) => each === undefined).map(([key]) => key),
  };
}

function secretsOf({ puts, deletes }: { readonly puts: readonly SecretRecord[]; readonly deletes: readonly string[] }) {
  return { secrets: puts, goneSecrets: deletes };
}

/** Applies a generation to a plain state. */
export function applyTo(state: MeshState, { config: objects, workloads, secrets, goneSecrets }: MeshChange): void {
  for (const key of goneSecrets ?? []) state.secrets?.delete(key);
  for (const each of secrets ?? []) state.secrets?.set(secretKey(each), each);
  for (const key of objects?.deletes ?? []) state.config.delete(key);
  for (const each of objects?.puts ?? []) state.config.set(keyOf(each), each);
  for (const key of workloads?.deletes ?? []) state.workloads.delete(key);
  for (const each of workloads?.puts ?? []) state.workloads.set(workloadKey(each), each);
}

/** A state as one generation, in an order that no history has left. */
export function wholeOf({ config: objects, workloads, secrets = new Map() }: MeshState): MeshChange {
  const sorted = <T>(map: Map<string, T>): T[] => [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return {
    config: { puts: sorted(objects), deletes: [] },
    workloads: { puts: sorted(workloads), deletes: [] },
    secrets: sorted(secrets),
  };
}
