import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { type Json, jsonOf, object, proxy, service } from "../small-mesh.testkit.ts";
import { Generator } from "./generator.ts";
import { typesOf } from "./grpc-types.ts";

const HOST = "ratings.default.svc.cluster.local";
const CLIENT = proxy({ GENERATOR: "grpc" });
const SERVER = proxy(
  { GENERATOR: "grpc", LABELS: { app: "ratings", "security.istio.io/tlsMode": "istio" } },
  "sidecar~10.0.0.1~ratings-1.default~x",
);
const SCHEMAS = { cluster: ClusterSchema, listener: ListenerSchema, route: RouteConfigurationSchema };

/** What a client gets for a name. */
function asker(...objects: readonly ReturnType<typeof object>[]) {
  const builder = new MeshBuilder();
  builder.apply({
    workloads: { puts: service("ratings", { ports: { grpc: 9080 } }), deletes: [] },
    config: { puts: [...objects], deletes: [] },
  });
  const generator = new Generator(builder.snapshot);
  return (type: keyof typeof SCHEMAS, name: string, client = CLIENT): Json => {
    const [row] = typesOf(client, []).filter((each) => each.name === type);
    assert.ok(row);
    const set = generator.resources(row, client, generator.proxyClass(client), { key: name, names: [name] });
    const found = set.resources.get(name);
    return found && jsonOf(SCHEMAS[type], found.bytes);
  };
}

describe("for gRPC's own clients", () => {
  it("a target is a listener by its name, short or full, that leads to a route table", () => {
    const ask = asker();
    for (const name of ["ratings:9080", "ratings.default:9080", `${HOST}:9080`, HOST]) {
      const listener = ask("listener", name);
      assert.equal(listener.name, name);
      const { rds, http_filters: filters } = listener.api_listener.api_listener;
      assert.equal(rds.route_config_name, `outbound|9080||${HOST}`);
      assert.equal(filters.at(-1).name, "envoy.filters.http.router");
    }
    for (const name of ["ratings:9", "nobody:9080", ""]) assert.equal(ask("listener", name), undefined, name);
  });

  it("a route table is for any authority, and has what gRPC knows: shares, headers, the longest time", () => {
    const ask = asker(
      object("DestinationRule", "ratings", { host: "ratings", subsets: [{ name: "v1", labels: { version: "v1" } }] }),
      object("VirtualService", "ratings", {
        hosts: ["ratings"],
        http: [
          {
            match: [{ headers: { user: { exact: "jason" } } }, { queryParams: { q: { exact: "1" } } }],
            timeout: "3s",
            route: [
              { destination: { host: "ratings", subset: "v1" }, weight: 30 },
              { destination: { host: "ratings" }, weight: 70 },
            ],
          },
          { route: [{ destination: { host: "ratings" } }] },
        ],
      }),
    );
    const { virtual_hosts: hosts } = ask("route", `outbound|9080||${HOST}`);
    assert.deepEqual([hosts.length, hosts[0].domains], [1, ["*"]]);
    const [first, last, ...more] = hosts[0].routes;
    // Calls have no query.
    assert.equal(more.length, 0);
    assert.equal(first.match.headers[0].name, "user");
    assert.deepEqual(
      first.route.weighted_clusters.clusters.map((each: Json) => [each.name, each.weight]),
      [
        [`outbound|9080|v1|${HOST}`, 30],
        [`outbound|9080||${HOST}`, 70],
      ],
    );
    assert.equal(first.route.max_stream_duration.max_stream_duration, "3s");
    assert.equal(last.route.cluster, `outbound|9080||${HOST}`);
    assert.equal(ask("route", "outbound|9080||nobody.example.com"), undefined);
  });

  it("a cluster has mutual TLS where a DestinationRule asks for it, round robin or a ring, and its subset", () => {
    const rule = (trafficPolicy: object) =>
      object("DestinationRule", "ratings", {
        ...{ host: "ratings", trafficPolicy, subsets: [{ name: "v1", labels: { version: "v1" } }] },
      });
    const name = `outbound|9080||${HOST}`;
    const plain = asker()("cluster", name);
    assert.deepEqual([plain.type, plain.lb_policy, plain.transport_socket], ["EDS", undefined, undefined]);
    const hash = { consistentHash: { httpHeaderName: "user" } };
    const ask = asker(rule({ tls: { mode: "ISTIO_MUTUAL" }, loadBalancer: hash }));
    const mutual = ask("cluster", name);
    assert.equal(mutual.lb_policy, "RING_HASH");
    assert.match(JSON.stringify(mutual.transport_socket), /spiffe:\/\/cluster\.local\/ns\/default\/sa\/ratings/);
    assert.equal(
      ask("cluster", `outbound|9080|v1|${HOST}`).eds_cluster_config.service_name,
      `outbound|9080|v1|${HOST}`,
    );
    assert.equal(ask("cluster", `outbound|9080|v2|${HOST}`), undefined);
  });
});

describe("for gRPC's own servers", () => {
  const name = "xds.istio.io/grpc/lds/inbound/0.0.0.0:9080";
  const chain = (ask: ReturnType<typeof asker>): Json => ask("listener", name, SERVER).filter_chains[0];

  it("a listener demands mutual TLS by its mode, and has the policies of the workload", () => {
    assert.equal(chain(asker()).name, "inbound-mtls");
    const off = object("PeerAuthentication", "off", { mtls: { mode: "DISABLE" } });
    assert.equal(chain(asker({ ...off, group: "security.istio.io" })).name, "inbound-plaintext");
    const policy = object("AuthorizationPolicy", "p", {
      action: "DENY",
      rules: [{ to: [{ operation: { paths: ["/x"] } }] }],
    });
    const filters = JSON.stringify(chain(asker({ ...policy, group: "security.istio.io" })).filters);
    assert.match(filters, /envoy\.filters\.http\.rbac\/DENY/);
  });

  it("a port of no service has none", () =>
    assert.equal(asker()("listener", "xds.istio.io/grpc/lds/inbound/0.0.0.0:1", SERVER), undefined));
});
