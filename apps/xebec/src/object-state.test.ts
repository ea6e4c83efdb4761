import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, ConditionController, ConditionReason } from "@xebec/model-resources";
import { conditionOf } from "./conditions.testkit.ts";
import { objectState } from "./object-state.ts";

const ID = { group: "networking.istio.io", kind: "VirtualService", namespace: "default", name: "reviews" };
const FOUND = { id: ID, value: {}, place: "a.yaml:1" };
const says = (controller: ConditionController, reason: ConditionReason, message = ""): Condition =>
  conditionOf(controller, "networking.istio.io/VirtualService/default/reviews", reason, { message });
/** The word and the remarks. */
const reported = (...all: Parameters<typeof objectState>) => {
  const { state, remarks } = objectState(...all);
  return { state, remarks };
};
const galley = says("galley", "Accepted");

test("the worst that a service says is the state of an object", () => {
  assert.deepEqual(reported(FOUND, []), { state: "-", remarks: [] });
  assert.deepEqual(reported(FOUND, [galley]), { state: "accepted", remarks: [] });
  assert.deepEqual(reported(FOUND, [galley, says("pilot", "Attached")]), {
    state: "in effect",
    remarks: [],
  });
  const partly = says("pilot", "PartlyResolved", "no subset v9");
  assert.deepEqual(reported(FOUND, [galley, partly]), {
    state: "partly",
    remarks: ["pilot: partly in effect: no subset v9"],
  });
  const ignored = says("pilot", "GatewayNotFound", "no Gateway");
  assert.deepEqual(reported(FOUND, [galley, ignored]), {
    state: "no effect",
    remarks: ["pilot: without effect: no Gateway"],
  });
  assert.equal(objectState(FOUND, [says("galley", "Invalid", "bad"), partly]).state, "refused");
});

test("what one service does not use may be another one's", () => {
  const unused = says("mixer-policy", "Unused", "nobody uses it");
  assert.deepEqual(reported(FOUND, [unused, says("mixer-telemetry", "Built")]).remarks, []);
  assert.deepEqual(reported(FOUND, [unused]), {
    state: "unused",
    remarks: ["mixer-policy: unused: nobody uses it"],
  });
});

test("of two files with one object the second says that it is not used", () => {
  assert.deepEqual(reported({ ...FOUND, duplicateOf: "a.yaml:1" }, [galley]), {
    state: "not used",
    remarks: ["not used: a.yaml:1 has it; remove one of them"],
  });
});
