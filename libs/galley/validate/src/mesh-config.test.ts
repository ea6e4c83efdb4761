import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseMeshConfig, parseMeshNetworks, validateObject, violationsText } from "./index.ts";

function said(value: Record<string, unknown>): string {
  const result = validateObject({ value });
  return result.outcome === "rejected" ? violationsText(result.violations) : result.outcome;
}

const map = (mesh: string, metadata: object = { name: "istio", namespace: "istio-system" }): string =>
  said({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { mesh } });
const object = (metadata: object, spec: object = {}): string =>
  said({ apiVersion: "mesh.xebec.io/v1", kind: "MeshConfig", metadata, spec });

describe("the mesh configuration", () => {
  it("is the config map istio or the object mesh of the namespace istio-system", () => {
    assert.equal(map("trustDomain: own"), "accepted");
    assert.equal(map("trustDomain: own", { name: "istio" }), "accepted");
    assert.equal(object({ name: "mesh", namespace: "istio-system" }), "accepted");
  });

  it("is refused anywhere else: no namespace may change the whole mesh", () => {
    assert.match(map("trustDomain: evil", { name: "istio", namespace: "foo" }), /^metadata\.namespace: .* not in foo/);
    assert.match(object({ name: "mesh", namespace: "foo" }), /^metadata\.namespace: .* not in foo; .* no effect$/);
    assert.match(object({ name: "mesh" }), /not in default/);
    assert.match(object({ name: "other", namespace: "istio-system" }), /^metadata\.name: .* named mesh, not other$/);
  });

  it("may hold every field of Istio's", () => {
    assert.equal(map("enableTracing: true\nenable_client_side_policy_check: true\ndefaultConfig: {}"), "accepted");
  });

  for (const [field, message] of [
    ["trustDomian", /^spec\.trustDomian: unknown field; did you mean trustDomain\?$/],
    ["accesslogfile", /did you mean accessLogFile\?$/],
    ["enableAutoMtl", /did you mean enableAutoMtls\?$/],
    ["nonsense", /^spec\.nonsense: unknown field$/],
  ] as const)
    it(`must not hold ${field}`, () => assert.match(map(`${field}: x`), message));

  it("has the networks of the same config map, with or without anything else", () => {
    const networks =
      "networks: {vms: {endpoints: [{fromCidr: 10.1.0.0/16}], gateways: [{address: 1.2.3.4, port: 15443}]}}";
    const result = validateObject({
      value: {
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio", namespace: "istio-system" } },
        data: { mesh: "trustDomain: own", meshNetworks: networks },
      },
    });
    const vms = { endpoints: [{ fromCidr: "10.1.0.0/16" }], gateways: [{ address: "1.2.3.4", port: 15443 }] };
    assert.equal(result.outcome, "accepted");
    assert.deepEqual(result.resource.spec, { trustDomain: "own", meshNetworks: { networks: { vms } } });
    assert.deepEqual(parseMeshNetworks(networks, "/etc/networks"), { networks: { vms } });
    assert.throws(
      () => parseMeshNetworks("networks: {vms: {gateways: [{port: 1}]}}", "/etc/networks"),
      /\/etc\/networks: spec\.meshNetworks\.networks\.vms\.gateways\[0\]: one of address and registryServiceName/,
    );
    assert.throws(() => parseMeshNetworks("a: [", "/etc/networks"), /data\.meshNetworks: line 1: is not YAML/);
  });

  it("may stand in a file by itself", () => {
    assert.deepEqual(parseMeshConfig("trustDomain: own", "/etc/mesh"), { trustDomain: "own" });
    assert.throws(() => parseMeshConfig("trustDomian: own", "/etc/mesh"), {
      ...{ code: "invalid_argument" },
      message: "/etc/mesh: spec.trustDomian: unknown field; did you mean trustDomain?",
    });
    assert.throws(
      () => parseMeshConfig("a: [", "/etc/mesh"),
      /^XebecError: \/etc\/mesh: data\.mesh: line 1: is not YAML/,
    );
  });
});
