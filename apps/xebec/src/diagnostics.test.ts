import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, ConditionController, ConditionReason } from "@xebec/model-resources";
import { conditionOf } from "./conditions.testkit.ts";
import { diagnosticsOf, objectCount } from "./diagnostics.ts";

const RULE = "config.istio.io/rule/default/deny";
const condition = (controller: ConditionController, reason: ConditionReason, more = {}): Condition =>
  conditionOf(controller, RULE, reason, more);

test("what several services report alike of an object is shown once, with its place", () => {
  const { refused } = diagnosticsOf({ problems: [], unsupported: [] }, [
    condition("galley", "Accepted", { source: "a.yaml", line: 3 }),
    condition("mixer-policy", "NoAction", { message: "no handler" }),
    condition("mixer-telemetry", "NoAction", { message: "no handler" }),
  ]);
  assert.deepEqual(refused, [
    {
      file: "a.yaml",
      line: 3,
      object: "rule default/deny",
      by: "mixer-policy, mixer-telemetry",
      message: "no handler",
    },
  ]);
});

test("objects are counted, not who speaks of them", () => {
  const { refused } = diagnosticsOf({ problems: [{ file: "b.yaml", line: 1, message: "bad" }], unsupported: [] }, [
    condition("mixer-policy", "NoAction", { message: "no handler" }),
    condition("mixer-telemetry", "NoAction", { message: "no other handler" }),
  ]);
  assert.deepEqual([refused.length, objectCount(refused)], [3, 2]);
});

test("what has no effect, or only in part, is not silence", () => {
  const { ignored, partly } = diagnosticsOf({ problems: [], unsupported: [] }, [
    condition("pilot", "GatewayNotFound", { message: "no Gateway" }),
    condition("pilot", "PartlyResolved", { message: "no subset v9" }),
    condition("mixer-policy", "PartlyRejected", { message: "not all of it" }),
    condition("mixer-policy", "Compiled"),
  ]);
  assert.deepEqual(
    [ignored, partly].map((list) => list.map((each) => each.message)),
    [["no Gateway"], ["no subset v9", "not all of it"]],
  );
});

test("what the platform leaves out has no effect", () => {
  const { ignored } = diagnosticsOf(
    { problems: [], unsupported: [{ file: "a.yaml", line: 2, message: "kind X" }] },
    [],
  );
  assert.deepEqual(ignored, [{ file: "a.yaml", line: 2, object: "", by: "local platform", message: "kind X" }]);
});

test("a document that galley and the platform reject is shown once", () => {
  const { refused } = diagnosticsOf({ problems: [{ file: "a.yaml", line: 2, message: "bad" }], unsupported: [] }, [
    condition("galley", "Invalid", { object: "file/a.yaml", source: "a.yaml", line: 2, message: "no" }),
  ]);
  assert.deepEqual(refused, [{ file: "a.yaml", line: 2, object: "", by: "galley", message: "no" }]);
});
