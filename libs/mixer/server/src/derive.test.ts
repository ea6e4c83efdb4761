import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttributeValue, createVocabulary, Layout, MutableBag, parseIp } from "@xebec/model-attributes";
import { ReferenceTracker } from "@xebec/model-attributes/wire";
import { encodeWorkloadRecord, type PodRecord, workloadKey } from "@xebec/model-workloads";
import { deriveWorkload, WORKLOAD_INPUTS } from "./derive.ts";
import { WorkloadIndex } from "./workload-index.ts";

const web: PodRecord = {
  type: "pod",
  namespace: "shop",
  name: "web-v1-abc",
  uid: "web-uid",
  ip: "10.0.0.1",
  labels: { app: "web", version: "v1" },
  serviceAccount: "web",
  workload: { kind: "Deployment", name: "web-v1" },
  ports: [],
  ready: true,
};
const index = new WorkloadIndex();
index.apply(new Map([[workloadKey(web), encodeWorkloadRecord(web)]]), new Set());

/** Attributes of a request, read in the order of their names. */
function read(given: Record<string, AttributeValue>, ...names: string[]): unknown[] {
  const layout = new Layout(createVocabulary());
  for (const name of [...WORKLOAD_INPUTS, ...names]) layout.slot(name);
  const bag = new MutableBag(layout.freeze(), given);
  bag.derive = deriveWorkload(index, layout);
  return names.map((name) => {
    const value = bag.get(layout.find(name));
    return typeof value === "object" && "entries" in value ? Object.fromEntries(value.entries()) : value;
  });
}

test("a workload is found by its uid, its address, or what its certificate proves", () => {
  const wanted = ["source.workload.name", "source.namespace", "source.labels"];
  const found = ["web-v1", "shop", { app: "web", version: "v1" }];
  assert.deepEqual(read({ "source.uid": "kubernetes://web-v1-abc.shop" }, ...wanted), found);
  assert.deepEqual(read({ "source.ip": parseIp("10.0.0.1") as Uint8Array }, "source.uid", ...wanted), [
    "kubernetes://web-v1-abc.shop",
    ...found,
  ]);
  assert.deepEqual(read({ "source.principal": "td/ns/shop/sa/web" }, ...wanted), found);
});

test("an unknown workload has the values of Istio's chart; what its certificate proves stays", () => {
  assert.deepEqual(
    read({}, "source.labels", "source.namespace", "source.name", "source.workload.name", "destination.uid"),
    [{}, "default", "unknown", "unknown", "unknown"],
  );
  assert.deepEqual(
    read({ "source.principal": "td/ns/other/sa/x" }, "source.uid", "source.namespace", "source.serviceAccount"),
    ["unknown", "other", "x"],
  );
  assert.deepEqual(read({ "source.namespace": "sent" }, "source.namespace"), ["sent"]);
});

test("what an answer depends on is recorded: the attribute that was not sent, and those that it was found by", () => {
  const layout = new Layout(createVocabulary());
  for (const name of [...WORKLOAD_INPUTS, "source.labels"]) layout.slot(name);
  const bag = new MutableBag(layout.freeze(), { "source.uid": "kubernetes://web-v1-abc.shop" });
  bag.derive = deriveWorkload(index, layout);
  bag.tracker = new ReferenceTracker(layout);
  assert.ok(bag.get(layout.find("source.labels")));
  assert.deepEqual(bag.tracker.list(), [
    { name: "source.uid", present: true },
    { name: "source.ip", present: false },
    { name: "source.principal", present: false },
    { name: "source.labels", present: false },
  ]);
});
