import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { attachments } from "./attachment.ts";
import { object, service, snapshotOf } from "./small-mesh.testkit.ts";

const ROUTER = { istio: "ingress" };

/** `reason: message` of the first object. */
function said(objects: readonly [Resource, ...Resource[]]): string {
  const [first] = objects;
  const snapshot = snapshotOf(objects, service("reviews"));
  const key = `${first.group}/${first.kind}/${first.namespace}/${first.name}`;
  const found = attachments(snapshot, [ROUTER]).find((each) => each.key === key);
  return `${found?.state} ${found?.reason}${found?.message ? `: ${found.message}` : ""}`;
}

const virtual = (spec: object, more: { created?: string } = {}, name = "vs"): Resource =>
  object("VirtualService", name, { hosts: ["reviews"], http: [{ route: [to("reviews")] }], ...spec }, more);
const to = (host: string, subset?: string): object => ({ destination: { host, ...(subset ? { subset } : {}) } });
const gateway = (selector: object): Resource => object("Gateway", "web", { selector, servers: [] });
const rule = (spec: object): Resource => object("DestinationRule", "dr", { host: "reviews", ...spec });
const FULL = "reviews.default.svc.cluster.local";

describe("where an object takes effect", () => {
  for (const [name, objects, expected] of [
    ["a VirtualService whose parts are all there", [virtual({})], "attached Attached"],
    [
      "one with an unknown service",
      [virtual({ http: [{ route: [to("nobody")] }] })],
      "attached PartlyResolved: spec.http[0].route[0].destination.host: no service nobody.default.svc.cluster.local",
    ],
    [
      "one with an unknown subset",
      [virtual({ tcp: [{ route: [to("reviews", "v9")] }] })],
      `attached PartlyResolved: spec.tcp[0].route[0].destination.subset: no DestinationRule for ${FULL} defines the subset v9`,
    ],
    [
      "one with a known subset",
      [virtual({ http: [{ route: [to("reviews", "v1")] }] }), rule({ subsets: [{ name: "v1" }] })],
      "attached Attached",
    ],
    [
      "one for a Gateway that is not there",
      [virtual({ gateways: ["web"] })],
      "ignored GatewayNotFound: no Gateway default/web; create it or name another in spec.gateways",
    ],
    [
      "one for the mesh and a Gateway that is not there",
      [virtual({ gateways: ["mesh", "web"] })],
      "attached PartlyResolved: Gateway default/web does not exist",
    ],
    ["one for a Gateway that is there", [virtual({ gateways: ["web"] }), gateway(ROUTER)], "attached Attached"],
    [
      "one whose host an older one has",
      [virtual({}, { created: "2026-02-01T00:00:00Z" }, "young"), virtual({})],
      `attached PartlyResolved: host ${FULL} belongs to the older default/vs`,
    ],
    ["a DestinationRule for a service", [rule({})], "attached Attached"],
    ["one for a wildcard with a service", [rule({ host: "*.default.svc.cluster.local" })], "attached Attached"],
    [
      "one for no service",
      [rule({ host: "nobody" })],
      "ignored HostNotFound: spec.host: no service nobody.default.svc.cluster.local",
    ],
    [
      "one for a wildcard without service",
      [rule({ host: "*.example.com" })],
      "ignored HostNotFound: spec.host: no service *.example.com",
    ],
    ["a Gateway with proxies", [gateway(ROUTER)], "attached Attached: 1 proxy"],
    [
      "one without proxies",
      [gateway({ istio: "egress", zone: "a" })],
      "ignored NoProxySelected: no gateway proxy has the labels istio=egress, zone=a",
    ],
    ["one for every proxy", [gateway({})], "attached Attached: 1 proxy"],
  ] as const satisfies readonly (readonly [string, [Resource, ...Resource[]], string])[])
    it(name, () => assert.equal(said(objects), expected));
});
