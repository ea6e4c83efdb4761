import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { encodeClusters } from "../encode/cluster.ts";
import { NOWHERE } from "../scope/place.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import { type Json, jsonOf, object, proxy, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import { outboundClusters } from "./outbound-clusters.ts";

const REVIEWS = "reviews.default.svc.cluster.local";

/** The outbound clusters of every service, by name. */
function clusters(objects: Resource[], records: WorkloadRecord[] = service("reviews"), client?: MeshProxy) {
  const scope = scopeOf(snapshotOf(objects, records), client);
  const all = scope.services().flatMap((each) => outboundClusters(scope, each, NOWHERE) ?? []);
  return new Map<string, Json>(
    encodeClusters(scope, all).map((each) => [each.name, jsonOf(ClusterSchema, each.bytes)]),
  );
}

const rule = (spec: object, more: { namespace?: string; created?: string; name?: string } = {}): Resource =>
  object("DestinationRule", more.name ?? "rule", { host: "reviews", ...spec }, more);
const policy = (trafficPolicy: object): Resource => rule({ trafficPolicy });
const reviews = (objects: Resource[], records?: WorkloadRecord[]): Json =>
  clusters(objects, records).get(`outbound|9080||${REVIEWS}`);

describe("the clusters of a service", () => {
  it("have Istio's names: one for each port, and one more for each port and subset", () => {
    const subsets = [{ name: "v1", labels: { version: "v1" } }, { name: "v2" }];
    const ports = { http: 9080, "tcp-db": 27017 };
    assert.deepEqual(
      [...clusters([rule({ subsets })], service("reviews", { ports })).keys()],
      [9080, 27017].flatMap((port) => ["", "v1", "v2"].map((subset) => `outbound|${port}|${subset}|${REVIEWS}`)),
    );
  });

  it("name the objects that they came from, and keep what tools read", () => {
    const [cluster] = outboundClustersOf([rule({ subsets: [{ name: "v1" }] })]);
    assert.deepEqual(cluster?.configKeys, ["networking.istio.io/DestinationRule/default/rule"]);
    assert.deepEqual(reviews([rule({})]).metadata.filter_metadata.istio, {
      services: [{ host: REVIEWS, name: "reviews", namespace: "default" }],
      config: "/apis/networking.istio.io/v1alpha3/namespaces/default/destination-rule/rule",
    });
  });
});

function outboundClustersOf(objects: Resource[]) {
  const scope = scopeOf(snapshotOf(objects, service("reviews")));
  return scope.services().flatMap((each) => outboundClusters(scope, each));
}

/** What a cluster speaks to its endpoints: nothing special, mutual TLS where they can, mutual TLS always, or the user's. */
function speaks(cluster: Json): string {
  const matches: Json[] = cluster.transport_socket_matches ?? [];
  if (matches.length > 0) return matches.map((each) => `${each.name}:${JSON.stringify(each.match ?? {})}`).join(" ");
  const config = cluster.transport_socket?.typed_config;
  if (!config) return "plaintext";
  const [own] = config.common_tls_context.tls_certificate_sds_secret_configs ?? [];
  return own?.name === "default" ? `mesh ${config.sni}` : own ? `user's, with ${own.name}` : "user's";
}

describe("TLS to a service", () => {
  const AUTO = 'tlsMode-istio:{"tlsMode":"istio"} tlsMode-disabled:{}';
  const SNI = `mesh outbound_.9080_._.${REVIEWS}`;
  const peer = (mode: string, namespace = "default", more: object = {}): Resource =>
    object("PeerAuthentication", "p", { mtls: { mode }, ...more }, { namespace });
  const tls = (mode: string, more: object = {}): Resource => policy({ tls: { mode, ...more } });
  const mesh = (spec: object): Resource => object("MeshConfig", "mesh", spec, { namespace: "istio-system" });
  const files = { clientCertificate: "/c.pem", privateKey: "/k.pem" };
  for (const [name, objects, expected] of [
    ["is automatic without any rule", [], AUTO],
    ["is automatic where the namespace is STRICT", [peer("STRICT")], AUTO],
    ["is none where the namespace is DISABLE", [peer("DISABLE")], "plaintext"],
    ["is none where the mesh is DISABLE", [peer("DISABLE", "istio-system")], "plaintext"],
    [
      "is automatic where only a workload is DISABLE: its endpoints say so",
      [peer("DISABLE", "default", { selector: { matchLabels: { app: "reviews" } } })],
      AUTO,
    ],
    ["is none where it is switched off for the mesh", [mesh({ enableAutoMtls: false })], "plaintext"],
    ["is the rule's ISTIO_MUTUAL, also where the namespace is DISABLE", [peer("DISABLE"), tls("ISTIO_MUTUAL")], SNI],
    [
      "is the rule's ISTIO_MUTUAL, also where it is switched off for the mesh",
      [mesh({ enableAutoMtls: false }), tls("ISTIO_MUTUAL")],
      SNI,
    ],
    ["takes the rule's server name", [tls("ISTIO_MUTUAL", { sni: "own.example" })], "mesh own.example"],
    ["is the rule's DISABLE, also where the namespace is STRICT", [peer("STRICT"), tls("DISABLE")], "plaintext"],
    ["is the rule's SIMPLE", [tls("SIMPLE")], "user's"],
    ["is the rule's MUTUAL with its files", [tls("MUTUAL", files)], "user's, with file-cert:/c.pem~/k.pem"],
    ["stays automatic under a rule that says nothing of TLS", [policy({ connectionPool: {} })], AUTO],
    ["stays automatic under a rule whose TLS has no mode", [policy({ tls: { sni: "x" } })], AUTO],
    [
      "is that of the rule's port",
      [policy({ portLevelSettings: [{ port: { number: 9080 }, tls: { mode: "DISABLE" } }], tls: { mode: "SIMPLE" } })],
      "plaintext",
    ],
    [
      "is that of the rule when it has another port",
      [policy({ portLevelSettings: [{ port: { number: 1 }, tls: { mode: "DISABLE" } }], tls: { mode: "SIMPLE" } })],
      "user's",
    ],
  ] as const satisfies readonly (readonly [string, Resource[], string])[])
    it(name, () => assert.equal(speaks(reviews(objects)), expected));

  it("is ready for the first endpoint with a sidecar: endpoints may reach Envoy before their cluster", () => {
    const cluster = reviews([], service("reviews", { sidecar: false }));
    assert.equal(speaks(cluster), speaks(reviews([])));
  });

  it("is none to hosts outside the mesh, unless a rule asks for it", () => {
    const entry = object("ServiceEntry", "api", {
      ...{ hosts: ["api.example.com"], resolution: "STATIC", location: "MESH_EXTERNAL" },
      ports: [{ number: 443, name: "https", protocol: "HTTPS" }],
      endpoints: [{ address: "10.9.9.9", labels: { "security.istio.io/tlsMode": "istio" } }],
      subjectAltNames: ["api.example.com"],
    });
    const name = "outbound|443||api.example.com";
    assert.equal(speaks(clusters([entry], []).get(name)), "plaintext");
    const asked = object("DestinationRule", "api", {
      ...{ host: "api.example.com", trafficPolicy: { tls: { mode: "SIMPLE", sni: "api.example.com" } } },
    });
    const cluster = clusters([entry, asked], []).get(name);
    assert.equal(speaks(cluster), "user's");
    const context =
      cluster.transport_socket.typed_config.common_tls_context.combined_validation_context.default_validation_context;
    assert.deepEqual(context.match_typed_subject_alt_names, [
      { san_type: "DNS", matcher: { exact: "api.example.com" } },
    ]);
  });

  it("accepts exactly the identities of the endpoints as the server", () => {
    const socket = reviews([tls("ISTIO_MUTUAL")]).transport_socket.typed_config;
    assert.deepEqual(
      socket.common_tls_context.combined_validation_context.default_validation_context.match_typed_subject_alt_names,
      [{ san_type: "URI", matcher: { exact: "spiffe://cluster.local/ns/default/sa/reviews" } }],
    );
  });
});

describe("the DestinationRule of a service", () => {
  const connections = (count: number): object => ({
    trafficPolicy: { connectionPool: { tcp: { maxConnections: count } } },
  });
  const limit = (cluster: Json): number => cluster.circuit_breakers.thresholds[0].max_connections;
  const seenBy = (objects: Resource[], client: MeshProxy): number =>
    limit(
      clusters(objects, service("reviews", { namespace: "shop" }), client).get(
        "outbound|9080||reviews.shop.svc.cluster.local",
      ),
    );
  const host = "reviews.shop.svc.cluster.local";
  const root = rule({ host, ...connections(1) }, { namespace: "istio-system" });
  const owner = rule({ host, ...connections(2) }, { namespace: "shop" });
  const own = rule({ host, ...connections(3) });
  /** Says nothing of connections, and is for its own namespace. */
  const kept = rule({ host, exportTo: ["."] }, { name: "kept" });
  const UNLIMITED = 4_294_967_295;
  const client = proxy({ LABELS: { app: "web", tier: "front" } });

  for (const [name, objects, expected] of [
    ["is the root namespace's", [root], 1],
    ["is the service's namespace's before that", [root, owner], 2],
    ["is the client's own before all", [root, owner, own], 3],
    [
      "is not one that its namespace keeps to itself",
      [root, rule({ host, exportTo: ["."], ...connections(2) }, { namespace: "shop" })],
      1,
    ],
    [
      "may be one for a wildcard, in the own namespace before an exact one elsewhere",
      [owner, rule({ host: "*.shop.svc.cluster.local", ...connections(4) })],
      4,
    ],
    [
      "is the older of two, with the subsets of both",
      [rule({ host, ...connections(5) }, { created: "2026-01-03T00:00:00Z", name: "young" }), own],
      3,
    ],
    [
      "is one for this workload before one for all, though that is older",
      [
        own,
        rule(
          { host, workloadSelector: { matchLabels: { app: "web" } }, ...connections(6) },
          { created: "2026-01-03T00:00:00Z", name: "mine" },
        ),
      ],
      6,
    ],
    [
      "is the older of two that are exported differently, alone",
      [rule({ host, exportTo: ["*"], ...connections(5) }, { created: "2026-01-03T00:00:00Z", name: "young" }), kept],
      UNLIMITED,
    ],
    [
      "is the older's with the policy of a younger one that is exported further",
      [
        rule({ host, exportTo: [".", "shop"], ...connections(5) }, { created: "2026-01-03T00:00:00Z", name: "young" }),
        kept,
      ],
      5,
    ],
    [
      "is the oldest of two that select this workload by different labels",
      [
        rule(
          { host, workloadSelector: { matchLabels: { app: "web" } }, ...connections(6) },
          { created: "2026-01-03T00:00:00Z", name: "mine" },
        ),
        rule({ host, workloadSelector: { matchLabels: { tier: "front" } } }, { name: "tier" }),
      ],
      UNLIMITED,
    ],
    [
      "is none for other workloads",
      [root, rule({ host, workloadSelector: { matchLabels: { app: "x" } }, ...connections(6) })],
      1,
    ],
    [
      "is none for workloads of another namespace than its own",
      [
        root,
        rule({ host, workloadSelector: { matchLabels: { app: "web" } }, ...connections(6) }, { namespace: "shop" }),
      ],
      1,
    ],
  ] as const satisfies readonly (readonly [string, Resource[], number])[])
    it(name, () => assert.equal(seenBy(objects, client), expected));
});
