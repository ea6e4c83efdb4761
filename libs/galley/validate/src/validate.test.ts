import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { keyOf } from "@xebec/model-resources";
import fc from "fast-check";
import { validateObject, violationsText } from "./index.ts";

const NETWORKING = "networking.istio.io/v1alpha3";

/** What is wrong with an object; empty when it is accepted. */
function said(kind: string, spec: unknown, apiVersion = NETWORKING, name = "a"): string {
  const result = validateObject({ value: { apiVersion, kind, metadata: { name, namespace: "shop" }, spec } });
  if (result.outcome === "rejected") return violationsText(result.violations);
  return result.outcome === "accepted" ? "" : result.outcome;
}

/** What is wrong with the head of an object that is good otherwise. */
function headErrors(metadata: Record<string, unknown>): string {
  const result = validateObject({
    value: { apiVersion: NETWORKING, kind: "DestinationRule", metadata, spec: { host: "reviews" } },
  });
  return result.outcome === "rejected" ? violationsText(result.violations) : "";
}

describe("names", () => {
  it("are Kubernetes' subdomains, whose labels may be long, and namespaces are labels", () => {
    assert.equal(headErrors({ name: "n".repeat(80), namespace: "a-1" }), "");
    assert.equal(headErrors({ name: `${"n".repeat(250)}.ab` }), "");
    assert.match(headErrors({ name: "n".repeat(254) }), /metadata.name: .* at most 253/);
    for (const name of ["A", "a_b", ".a", "a..b", "-a"]) assert.match(headErrors({ name }), /not an object name/);
    for (const namespace of ["a.b", "n".repeat(64), "A", ""])
      assert.match(headErrors({ name: "a", namespace }), /metadata.namespace: .* is not a namespace: at most 63/);
  });
});

describe("annotations", () => {
  it("of Istio's own are refused, as its webhook does", () =>
    assert.match(
      headErrors({ name: "a", annotations: { "internal.istio.io/webhook-always-reject": "true" } }),
      /metadata\.annotations\S*internal\S*: is Istio's own/,
    ));
});

test("annotations are limited as Kubernetes limits them", () => {
  const reported = (annotations: object): string => {
    const metadata = { name: "a", annotations };
    const object = { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata, spec: { host: "h" } };
    const result = validateObject({ value: object });
    return result.outcome === "rejected" ? violationsText(result.violations) : "";
  };
  assert.equal(reported({ a: "x".repeat(200_000), b: "y".repeat(62_142) }), "");
  assert.match(
    reported({ a: "x".repeat(200_000), b: "y".repeat(62_143) }),
    /^metadata\.annotations: have 262145 bytes together/,
  );
});

test("an object has a limit of its own at the webhook, where no file is read", () => {
  const labels = (count: number): object => ({
    host: "h",
    subsets: [{ name: "a", labels: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"])) }],
  });
  assert.equal(said("DestinationRule", labels(1_000)), "");
  assert.match(said("DestinationRule", labels(60_000)), /^spec: has more than 50000 fields and values; split it$/);
});

test("a Gateway's name has no dots", () =>
  assert.match(
    said(
      "Gateway",
      { servers: [{ port: { number: 80, name: "web", protocol: "HTTP" }, hosts: ["*"] }] },
      NETWORKING,
      "a.b",
    ),
    /metadata\.name: .* of a Gateway/,
  ));

test("kinds, groups and versions that are nearly right, and those that Istio has, are told apart", () => {
  const reported = (apiVersion: string, kind: string, more: object = {}): string => {
    const result = validateObject({
      value: { apiVersion, kind, metadata: { name: "a" }, spec: { host: "h" }, ...more },
    });
    return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
  };
  for (const [apiVersion, kind, message] of [
    [
      "networking.istio.oi/v1",
      "DestinationRule",
      /no group networking\.istio\.oi; did you mean networking\.istio\.io\/v1\?/,
    ],
    ["networking.istio.io/v1beat1", "DestinationRule", /no version v1beat1; did you mean v1beta1\?/],
    [
      "networking.istio.io/v1",
      "DestinatonRule",
      /no kind DestinatonRule in networking\.istio\.io; did you mean DestinationRule\?/,
    ],
    ["networking.istio.io/v1", "Sidcar", /did you mean Sidecar\?/],
    ["rbac.istio.io/v1alpha1", "AuthorizationPolicy", /not supported/],
    ["config.istio.io/v1alpha2", "HTTPAPISpc", /did you mean HTTPAPISpec\?/],
    ["install.istio.io/v1alpha1", "IstioOperator", /not supported/],
    ["aps/v1", "Deployment", /did you mean apps\/v1\?/],
    ["apps/v1", "Deployment", /^foreign$/],
  ] as const)
    assert.match(reported(apiVersion, kind), message);
  const head = (value: Record<string, unknown>): string => {
    const result = validateObject({ value });
    return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
  };
  assert.match(head({ apiversion: "v1", kind: "Service" }), /apiVersion: is required; did you mean it by apiversion\?/);
  assert.match(
    reported("networking.istio.io/v1", "DestinationRule", { sepc: {} }),
    /sepc: unknown field; did you mean spec\?/,
  );
  const metadata = { name: "a", anotations: {} };
  assert.match(
    reported("networking.istio.io/v1", "DestinationRule", { metadata }),
    /anotations: unknown field; did you mean annotations\?/,
  );
});

describe("objects of Mixer", () => {
  const MIXER = "config.istio.io/v1alpha2";
  for (const [kind, spec, expected] of [
    ["rule", { match: 'destination.labels["app"] == "ratings"', actions: [{ handler: "h", instances: ["i"] }] }, /^$/],
    [
      "rule",
      { match: "destination.nothing == 1", actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: line 1, column 1: .*destination\.nothing/,
    ],
    [
      "rule",
      { match: 'source.ip == ip("x")', actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: line 1, column 14: "x" is not an IP address/,
    ],
    [
      "rule",
      { match: '"[".matches(request.path)', actions: [{ handler: "h", instances: ["i"] }] },
      /spec\.match: .*the regular expression "\[" is not valid/,
    ],
    ["rule", { match: "true" }, /spec\.actions: must name at least one handler/],
    ["handler", {}, /spec\.compiledAdapter: is required/],
  ] as const)
    it(`${kind}: ${expected.source}`, () => assert.match(said(kind, spec, MIXER), expected));
});

it("has a version and a kind that there are", () => {
  assert.match(
    said("Carriage", {}),
    /kind: there is no kind Carriage in networking\.istio\.io; known are VirtualService/,
  );
  assert.match(said("DestinationRule", { host: "a" }, "networking.istio.io/v9"), /DestinationRule has no version v9/);
});

it("is published in one form of protobuf's JSON", () => {
  const spec = {
    host: "a",
    traffic_policy: {
      load_balancer: { simple: 4, consistent_hash: null },
      connection_pool: { tcp: { max_connections: "10" } },
    },
  };
  const result = validateObject({
    value: { apiVersion: NETWORKING, kind: "DestinationRule", metadata: { name: "a" }, spec },
  });
  assert.ok(result.outcome === "accepted");
  assert.deepEqual(result.resource.spec, {
    host: "a",
    trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" }, connectionPool: { tcp: { maxConnections: 10 } } },
  });
});

it("leaves Kubernetes' own objects alone", () => {
  assert.equal(said("Deployment", {}, "apps/v1"), "foreign");
});

it("never throws, whatever an object is", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("VirtualService", "DestinationRule", "Gateway", "ServiceEntry"),
      fc.jsonValue(),
      (kind, spec) => {
        validateObject({ value: { apiVersion: NETWORKING, kind, metadata: { name: "x" }, spec } });
      },
    ),
  );
});

test("an object of a kind without namespaces has none, whatever namespace others get", () => {
  const value = (metadata: object) => ({
    apiVersion: "rbac.istio.io/v1alpha1",
    kind: "ClusterRbacConfig",
    metadata,
    spec: { mode: "ON" },
  });
  const own = validateObject({ value: value({ name: "default" }) }, { defaultNamespace: "shop" });
  assert.ok(own.outcome === "accepted");
  assert.equal(keyOf(own.resource), "rbac.istio.io/ClusterRbacConfig//default");
  const [other, named] = [{ name: "default", namespace: "shop" }, { name: "mine" }].map((each) =>
    validateObject({ value: value(each) }),
  );
  assert.ok(other?.outcome === "rejected" && named?.outcome === "rejected");
  assert.equal(
    violationsText(other.violations),
    "metadata.namespace: must be left out: a ClusterRbacConfig has no namespace",
  );
  assert.equal(violationsText(named.violations), "metadata.name: must be default: no other ClusterRbacConfig counts");
});
