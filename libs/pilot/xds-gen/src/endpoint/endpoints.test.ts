import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClusterLoadAssignmentSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint";
import type { Resource } from "@xebec/model-resources";
import type { BuiltLoadAssignment } from "../build/built.ts";
import { encodeLoadAssignment } from "../encode/load-assignment.ts";
import { NOWHERE } from "../scope/place.ts";
import { type Json, jsonOf, object, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import { loadAssignment } from "./endpoints.ts";

const HOST = "reviews.default.svc.cluster.local";
const NAME = `outbound|9080||${HOST}`;

const assignment = (name: string, objects: Resource[] = [], records = service("reviews")): Json =>
  jsonOf(
    ClusterLoadAssignmentSchema,
    encodeLoadAssignment(loadAssignment(scopeOf(snapshotOf(objects, records)), name, NOWHERE) as BuiltLoadAssignment)
      .bytes,
  );
const addresses = (each: Json): string[] =>
  (each.endpoints ?? []).flatMap((group: Json) =>
    group.lb_endpoints.map(({ endpoint }: Json) => {
      const { address, port_value } = endpoint.address.socket_address;
      return `${address}:${port_value}`;
    }),
  );

describe("the endpoints of a cluster", () => {
  const subsets = (labels: object): Resource =>
    object("DestinationRule", "dr", { host: "reviews", subsets: [{ name: "v1", ...labels }] });
  for (const [what, name, objects, expected] of [
    ["are those of the port", NAME, [], ["10.0.0.1:9080"]],
    ["are none of a port that the service has not", `outbound|1||${HOST}`, [], []],
    ["are none of a service that nobody knows", "outbound|9080||none.example", [], []],
    ["are none of a subset that no rule has", `outbound|9080|v1|${HOST}`, [], []],
    [
      "are those with the subset's labels",
      `outbound|9080|v1|${HOST}`,
      [subsets({ labels: { version: "v1" } })],
      ["10.0.0.1:9080"],
    ],
    [
      "are none when no endpoint has the subset's labels",
      `outbound|9080|v1|${HOST}`,
      [subsets({ labels: { version: "v2" } })],
      [],
    ],
    ["are all for a subset without labels", `outbound|9080|v1|${HOST}`, [subsets({})], ["10.0.0.1:9080"]],
    ["are none for an inbound cluster", "inbound|9080||", [], []],
    ["are none for a name of another form", "9080", [], []],
  ] as const satisfies readonly (readonly [string, string, Resource[], string[]])[])
    it(what, () => {
      const each = assignment(name, objects);
      assert.deepEqual([each.cluster_name, addresses(each)], [name, expected]);
    });

  it("say where mutual TLS is spoken: where there is a sidecar, unless the policy for the port forbids it", () => {
    const peer = (spec: object): Resource =>
      object("PeerAuthentication", "p", { selector: { matchLabels: { app: "reviews" } }, ...spec });
    const spoken = (objects: Resource[], records = service("reviews")): boolean =>
      assignment(NAME, objects, records).endpoints[0].lb_endpoints[0].metadata.filter_metadata[
        "envoy.transport_socket_match"
      ]?.tlsMode === "istio";
    assert.equal(spoken([]), true);
    assert.equal(spoken([], service("reviews", { sidecar: false })), false);
    assert.equal(spoken([peer({ mtls: { mode: "DISABLE" } })]), false);
    assert.equal(spoken([peer({ mtls: { mode: "DISABLE" }, portLevelMtls: { "9080": { mode: "STRICT" } } })]), true);
    assert.equal(spoken([peer({ portLevelMtls: { "9080": { mode: "DISABLE" } } })]), false);
    assert.equal(spoken([peer({ portLevelMtls: { "8080": { mode: "DISABLE" } } })]), true);
  });

  it("stand by locality in the order of its name, with the sum of the weights", () => {
    const entry = object("ServiceEntry", "e", {
      ...{ hosts: ["api.example.com"], resolution: "STATIC", ports: [{ number: 80, name: "http", protocol: "HTTP" }] },
      endpoints: [
        { address: "10.0.0.3", locality: "b/z", weight: 2 },
        { address: "10.0.0.1", locality: "a/z/s" },
        { address: "10.0.0.2", locality: "b/z", weight: 3, ports: { http: 8080 } },
      ],
    });
    const each = assignment("outbound|80||api.example.com", [entry], []);
    assert.deepEqual(addresses(each), ["10.0.0.1:80", "10.0.0.3:80", "10.0.0.2:8080"]);
    assert.deepEqual(
      each.endpoints.map((group: Json) => [group.locality, group.load_balancing_weight]),
      [
        [{ region: "a", zone: "z", sub_zone: "s" }, 1],
        [{ region: "b", zone: "z" }, 5],
      ],
    );
  });
});
