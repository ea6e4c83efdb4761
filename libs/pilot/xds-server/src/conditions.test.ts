import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { SnapshotBuilder } from "@xebec/pilot-snapshot";
import { conditionsOf } from "./conditions.ts";

function snapshotOf(...puts: Resource[]) {
  const builder = new SnapshotBuilder({ domain: "cluster.local", trustDomain: "cluster.local" });
  return builder.apply({ config: { puts, deletes: [] } }).snapshot;
}

describe("the condition of the mesh configuration", () => {
  const KEY = "mesh.xebec.io/MeshConfig/istio-system/mesh";
  const mesh = (spec: object): Resource => ({
    ...{ group: "mesh.xebec.io", version: "v1", kind: "MeshConfig", namespace: "istio-system", name: "mesh", spec },
  });

  it("names the fields that have no effect", () => {
    assert.deepEqual(conditionsOf(snapshotOf(mesh({ enableTracing: true, trustDomain: "a" })), [], new Map()), [
      {
        ...{ object: KEY, state: "attached", reason: "PartlyResolved" },
        message: "spec.enableTracing: not served yet; ignored",
      },
    ]);
  });

  it("is attached when all is served, and is none without an object", () => {
    const said = conditionsOf(snapshotOf(mesh({ trustDomain: "a" })), [], new Map());
    assert.deepEqual(said, [{ object: KEY, state: "attached", reason: "Attached", message: "" }]);
    assert.deepEqual(conditionsOf(snapshotOf(), [], new Map()), []);
  });
});
