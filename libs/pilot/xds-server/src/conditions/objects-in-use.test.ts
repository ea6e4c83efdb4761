import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import type { ClientOptions } from "../test-client.testkit.ts";
import { CAPTURED, entry, HOST, object, ROUTER, SIDECAR, said } from "./said.testkit.ts";

const route = { route: [{ destination: { host: HOST } }] };
const virtual = (name: string, namespace: string, spec: object): Resource =>
  object("VirtualService", name, namespace, { hosts: [HOST], http: [route], ...spec });
const gateway = object("Gateway", "gw", "default", {
  selector: { istio: "ingress" },
  servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*.example.com"] }],
});
const rule = (namespace: string, spec: object = {}): Resource =>
  object("DestinationRule", "dr", namespace, { host: HOST, ...spec });
const peer = (spec: object): Resource => object("PeerAuthentication", "pa", "default", spec);

const NOBODY = "NoProxyAffected: no proxy that is connected got anything of it";
const ALL = [SIDECAR, CAPTURED, ROUTER];

describe("an object is in effect when some proxy's configuration came from it", () => {
  for (const [name, objects, expected] of [
    ["a DestinationRule of the client's namespace", [rule("default")], "Attached"],
    ["one of the root namespace", [rule("istio-system")], "Attached"],
    [
      "one of another namespace",
      [rule("prod")],
      `${NOBODY}: a rule is looked for in the namespace of the client, of the service (default), and in istio-system`,
    ],
    [
      "parts of one that are for nobody",
      [
        rule("default", {
          trafficPolicy: { portLevelSettings: [{ port: { number: 81 }, loadBalancer: { simple: "RANDOM" } }] },
          subsets: [{ name: "v2", labels: { version: "v2" } }],
        }),
      ],
      "PartlyResolved: spec.trafficPolicy.portLevelSettings[0].port: the service has no port 81; spec.subsets[0]: no endpoint has the labels of v2",
    ],
    ["a VirtualService for sidecars", [virtual("vs", "default", {})], "Attached"],
    ["one that is exported to nobody who is there", [virtual("vs", "prod", { exportTo: ["."] })], NOBODY],
    [
      "one whose rules are for other workloads alone",
      [virtual("vs", "default", { http: [{ ...route, match: [{ sourceLabels: { app: "other" } }] }] })],
      NOBODY,
    ],
    ["one for a Gateway", [virtual("vs", "default", { gateways: ["gw"] }), gateway], "Attached"],
    [
      "one for a host that its Gateway does not serve",
      [virtual("vs", "default", { gateways: ["gw"], hosts: ["a.example.org"] }), gateway],
      NOBODY,
    ],
    ["a Gateway that a proxy has", [gateway], "Attached: 1 proxy"],
    [
      "a ServiceEntry that is exported to nobody who is there",
      [object("ServiceEntry", "own", "prod", { ...(entry.spec as object), hosts: ["b.example.com"], exportTo: ["."] })],
      NOBODY,
    ],
    ["a PeerAuthentication of the namespace", [peer({ mtls: { mode: "STRICT" } })], "Attached"],
    ["one that says nothing", [peer({})], NOBODY],
    [
      "one for workloads that there are not",
      [peer({ selector: { matchLabels: { app: "gone" } }, mtls: { mode: "STRICT" } })],
      NOBODY,
    ],
  ] as const satisfies readonly (readonly [string, readonly [Resource, ...Resource[]], string])[])
    it(name, async () => assert.equal(await said(objects, ALL), expected));

  it("a port of a PeerAuthentication that no workload serves", async () => {
    const labelled: ClientOptions = {
      ...SIDECAR,
      node: { id: SIDECAR.node?.id ?? "", metadata: { ...SIDECAR.node?.metadata, LABELS: { app: "web" } } },
    };
    const selector = { matchLabels: { app: "web" } };
    const ports = peer({ selector, portLevelMtls: { "7777": { mode: "STRICT" } } });
    assert.equal(
      await said([ports], [labelled]),
      `${NOBODY}; spec.portLevelMtls.7777: no workload that it selects serves the port`,
    );
    const captured: ClientOptions = {
      authenticated: true,
      node: { id: "sidecar~10.0.0.9~a.default~x", metadata: { NAMESPACE: "default", LABELS: { app: "web" } } },
    };
    assert.equal(await said([ports], [captured]), "Attached", "traffic of every port is captured there");
  });

  it("is judged by the objects alone while nobody who is authenticated is there", async () => {
    assert.equal(await said([rule("prod")], []), "Attached");
    assert.equal(await said([rule("prod")], [{}]), "Attached");
  });
});
