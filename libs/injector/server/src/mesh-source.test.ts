import assert from "node:assert/strict";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { encodeResource, keyOf, type Resource } from "@xebec/model-resources";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { createMeshSource } from "./mesh-source.ts";

const object = (group: string, kind: string, namespace: string, name: string, spec: object): Resource => ({
  ...{ group, version: "v1beta1", kind, namespace, name, spec, labels: {}, annotations: {} },
});

it("what the mesh says of proxies follows the bus", async () => {
  const bus = createMemoryBus();
  const signal = new AbortController().signal;
  await bus.start(signal);
  const writer = createRevisionWriter({ bus, bucket: "config", source: "galley" });
  await writer.start(signal);
  const { component, current } = createMeshSource(bus, createMetrics(), "istio-system");
  await component.start(signal);
  const publish = (...all: readonly Resource[]): unknown =>
    writer.replace(new Map(all.map((each) => [keyOf(each), encodeResource(each)])));
  const mesh = object("mesh.xebec.io", "MeshConfig", "istio-system", "mesh", {
    rootNamespace: "root",
    defaultConfig: { concurrency: 3 },
  });
  await publish(mesh, object("networking.istio.io", "ProxyConfig", "a", "b", { concurrency: 1 }));
  await waitFor("the objects arrive", 5_000, () => current().objects.length === 1);
  assert.deepEqual([current().rootNamespace, current().defaultConfig], ["root", { concurrency: 3 }]);
  await publish(mesh);
  await waitFor("the object is gone", 5_000, () => current().objects.length === 0);
  await component.close?.();
  await writer.close?.();
});
