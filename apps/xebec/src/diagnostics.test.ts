import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, ConditionController, ConditionReason } from "@xebec/model-resources";
import { conditionOf } from "./conditions.testkit.ts";
import { objectCount, objectReport } from "./object-report.ts";

const RULE = "config.istio.io/rule/default/deny";
const condition = (controller: ConditionController, reason: ConditionReason, more = {}): Condition =>
  conditionOf(controller, RULE, reason, more);

test("what several services say alike of an object is told once, with its place", () => {
  const { refused } = objectReport({ problems: [], leftOut: [] }, [
    condition("galley", "Accepted", { source: "a.yaml", line: 3 }),
    condition("mixer-policy", "NoAction", { message: "no handler" }),
    condition("mixer-telemetry", "NoAction", { message: "no handler" }),
  ]);
  assert.deepEqual(refused, [
    { file: "a.yaml", line: 3, object: "rule default/deny", by: "mixer-policy, mixer-telemetry", reason: "no handler" },
  ]);
});

test("objects are counted, not who speaks of them", () => {
  const { refused } = objectReport({ problems: [{ path: "b.yaml", line: 1, message: "bad" }], leftOut: [] }, [
    condition("mixer-policy", "NoAction", { message: "no handler" }),
    condition("mixer-telemetry", "NoAction", { message: "no other handler" }),
  ]);
  assert.deepEqual([refused.length, objectCount(refused)], [3, 2]);
});

test("what has no effect, or only in part, is no silence", () => {
  const { ignored, partly } = objectReport({ problems: [], leftOut: [] }, [
    condition("pilot", "GatewayNotFound", { message: "no Gateway" }),
    condition("pilot", "PartlyResolved", { message: "no subset v9" }),
    condition("mixer-policy", "PartlyRejected", { message: "not all of it" }),
    condition("mixer-policy", "Compiled"),
  ]);
  assert.deepEqual(
    [ignored, partly].map((list) => list.map((each) => each.reason)),
    [["no Gateway"], ["no subset v9", "not all of it"]],
  );
});

test("what the platform leaves out has no effect", () => {
  const { ignored } = objectReport({ problems: [], leftOut: [{ path: "a.yaml", line: 2, message: "kind X" }] }, []);
  assert.deepEqual(ignored, [{ file: "a.yaml", line: 2, object: "", by: "local platform", reason: "kind X" }]);
});

test("a document that galley and the platform refuse is told once", () => {
  const { refused } = objectReport({ problems: [{ path: "a.yaml", line: 2, message: "bad" }], leftOut: [] }, [
    condition("galley", "Invalid", { object: "file/a.yaml", source: "a.yaml", line: 2, message: "no" }),
  ]);
  assert.deepEqual(refused, [{ file: "a.yaml", line: 2, object: "", by: "galley", reason: "no" }]);
});
