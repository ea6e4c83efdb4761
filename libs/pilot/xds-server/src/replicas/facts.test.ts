import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeFacts, encodeFacts, mergedFacts, type ReplicaFacts } from "./facts.ts";

const facts = (revision: number, name: string, incarnation = "store"): ReplicaFacts => ({
  position: { incarnation, revisions: { galley: revision } },
  routers: [{ istio: name }],
  nacks: new Map([["vs", { proxy: name, message: "no", count: 1, of: 2 }]]),
  use: {
    configKeys: new Set([name, "both"]),
    patches: new Set([`${name} patch`]),
    remarks: new Map([["vs", new Set(["both", name])]]),
    sidecars: [{ namespace: "default", labels: { name }, ports: new Set([80]) }],
  },
});

describe("what copies of pilot say together", () => {
  it("is what any of them says, and as far as the slowest has come", () => {
    const { position, routers, nacks, use } = mergedFacts([facts(7, "a"), facts(5, "b")]);
    assert.deepEqual(position, { incarnation: "store", revisions: { galley: 5 } });
    assert.deepEqual(routers, [{ istio: "a" }, { istio: "b" }]);
    assert.deepEqual([...nacks], [["vs", { proxy: "a", message: "no", count: 2, of: 4 }]]);
    assert.deepEqual([...(use?.configKeys ?? [])].sort(), ["a", "b", "both"]);
    assert.deepEqual([...(use?.remarks?.get("vs") ?? [])], ["a", "b", "both"]);
    assert.deepEqual([use?.patches?.size, use?.sidecars.length], [2, 2]);
  });

  it("is no position when they read different stores, or one has read nothing", () => {
    assert.equal(mergedFacts([facts(7, "a"), facts(7, "b", "other")]).position, undefined);
    assert.equal(mergedFacts([facts(7, "a"), { ...facts(7, "b"), position: undefined }]).position, undefined);
  });

  it("is read as it was written", async () => {
    assert.deepEqual(await decodeFacts(await encodeFacts("a", facts(7, "a"))), { replica: "a", ...facts(7, "a") });
    const nothing: ReplicaFacts = { position: undefined, routers: [], nacks: new Map(), use: undefined };
    assert.deepEqual(await decodeFacts(await encodeFacts("b", nothing)), { replica: "b", ...nothing });
  });
});
