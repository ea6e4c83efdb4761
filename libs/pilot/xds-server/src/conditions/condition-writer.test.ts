import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import type { Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { createMemoryBus } from "@xebec/platform-bus";
import { XdsServer } from "../server/xds-server.ts";
import { conditionsOf, conditionWriter } from "./condition-writer.ts";

function snapshotOf(...puts: Resource[]) {
  const builder = new MeshBuilder();
  return builder.apply({ config: { puts, deletes: [] } }).snapshot;
}

describe("the condition of the mesh configuration", () => {
  const KEY = "mesh.xebec.io/MeshConfig/istio-system/mesh";
  const mesh = (spec: object): Resource => ({
    ...{ group: "mesh.xebec.io", version: "v1", kind: "MeshConfig", namespace: "istio-system", name: "mesh", spec },
    generation: 2,
  });

  it("names the fields that have no effect", () => {
    assert.deepEqual(
      [...conditionsOf(snapshotOf(mesh({ ingressClass: "x", trustDomain: "a" })), [], new Map())],
      [
        {
          ...{ object: KEY, reason: "PartlyResolved", observedGeneration: 2 },
          message: "spec.ingressClass: Ingress objects are not served; write a Gateway",
        },
      ],
    );
  });

  it("is attached when all is served, and is none without an object", () => {
    const said = [...conditionsOf(snapshotOf(mesh({ trustDomain: "a" })), [], new Map())];
    assert.deepEqual(said, [{ object: KEY, reason: "Attached", message: "", observedGeneration: 2 }]);
    assert.deepEqual([...conditionsOf(snapshotOf(), [], new Map())], []);
  });
});

describe("the condition of a rejected object", () => {
  it("says who rejects it, and how many of all do", () => {
    const vs: Resource = {
      ...{ group: "networking.istio.io", version: "v1", kind: "VirtualService", namespace: "default", name: "vs" },
      spec: { hosts: ["a.example.com"] },
    };
    const key = "networking.istio.io/VirtualService/default/vs";
    const said = (count: number, of: number): string | undefined =>
      [...conditionsOf(snapshotOf(vs), [], new Map([[key, { proxy: "web-1.default-7", message: "no", count, of }]]))][0]
        ?.message;
    assert.equal(said(1, 12), "web-1.default-7 (1 of 12 proxies): no");
    assert.equal(said(3, 12), "web-1.default-7 and 2 more (3 of 12 proxies): no");
    assert.equal(said(1, 1), "web-1.default-7 (1 of 1 proxy): no");
  });
});

describe("conditions from before a restart", () => {
  it("go when their object is gone", async () => {
    const bus = createMemoryBus();
    const status = bus.bucket("status");
    const KEY = "networking.istio.io/VirtualService/default";
    await status.put(`pilot/${KEY}/gone`, Buffer.from("{}"));
    await status.put(`mixer-policy/${KEY}/gone`, Buffer.from("{}"));
    const server = new XdsServer({ metrics: createMetrics() });
    const builder = new MeshBuilder();
    const stays: Resource = {
      ...{ group: "networking.istio.io", version: "v1", kind: "VirtualService", namespace: "default", name: "stays" },
      spec: { hosts: ["a.example.com"] },
    };
    await server.update(builder.apply({ config: { puts: [stays], deletes: [] } }));
    await status.put(`pilot/${KEY}/stays`, Buffer.from("{}"));
    const teller = conditionWriter(server, bus);
    await teller.start(new AbortController().signal);
    await waitFor("it is gone", 5_000, async () => (await status.get(`pilot/${KEY}/gone`)) === undefined);
    assert.ok(await status.get(`pilot/${KEY}/stays`));
    assert.ok(await status.get(`mixer-policy/${KEY}/gone`));
    await teller.close?.();
  });
});
