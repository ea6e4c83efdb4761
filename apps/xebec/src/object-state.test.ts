import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "@xebec/model-resources";
import { objectState } from "./object-state.ts";

const ID = { group: "networking.istio.io", kind: "VirtualService", namespace: "default", name: "reviews" };
const FOUND = { id: ID, value: {}, place: "a.yaml:1" };
const says = (consumer: string, state: Condition["state"], reason: Condition["reason"], message = ""): Condition => ({
  object: "networking.istio.io/VirtualService/default/reviews",
  consumer,
  state,
  reason,
  message,
  time: "",
});
const galley = says("galley", "accepted", "Accepted");

test("the worst that a service says is the state of an object", () => {
  assert.deepEqual(objectState(FOUND, []), { state: "-", remarks: [] });
  assert.deepEqual(objectState(FOUND, [galley]), { state: "accepted", remarks: [] });
  assert.deepEqual(objectState(FOUND, [galley, says("pilot", "attached", "Attached")]), {
    state: "in effect",
    remarks: [],
  });
  const partly = says("pilot", "attached", "PartlyResolved", "no subset v9");
  assert.deepEqual(objectState(FOUND, [galley, partly]), {
    state: "partly",
    remarks: ["pilot: partly in effect: no subset v9"],
  });
  const ignored = says("pilot", "ignored", "GatewayNotFound", "no Gateway");
  assert.deepEqual(objectState(FOUND, [galley, ignored]), {
    state: "no effect",
    remarks: ["pilot: without effect: no Gateway"],
  });
  assert.equal(objectState(FOUND, [says("galley", "rejected", "Invalid", "bad"), partly]).state, "refused");
});

test("what one service does not use may be another one's", () => {
  const unused = says("mixer-policy", "compiled", "Unused", "nobody uses it");
  assert.deepEqual(objectState(FOUND, [unused, says("mixer-telemetry", "attached", "Built")]).remarks, []);
  assert.deepEqual(objectState(FOUND, [unused]), {
    state: "unused",
    remarks: ["mixer-policy: unused: nobody uses it"],
  });
});

test("of two files with one object the second says that it is not used", () => {
  assert.deepEqual(objectState({ ...FOUND, duplicateOf: "a.yaml:1" }, [galley]), {
    state: "not used",
    remarks: ["not used: a.yaml:1 has it; remove one of them"],
  });
});
