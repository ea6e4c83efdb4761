import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAdapterObject } from "./remote.ts";

test("an adapter may name Istio's templates without objects for them", () => {
  const { info, violations } = checkAdapterObject(
    "a.adapter.x",
    "x",
    { templates: ["listentry", "metric"] },
    new Map(),
  );
  assert.deepEqual(violations, []);
  assert.deepEqual(
    info?.templates.map((each) => each.path),
    ["/listentry.HandleListEntryService/HandleListEntry", "/metric.HandleMetricService/HandleMetric"],
  );
  const unknown = checkAdapterObject("a.adapter.x", "x", { templates: ["listentry.y"] }, new Map());
  assert.match(unknown.violations[0]?.message ?? "", /there is no template "listentry.y"/);
});
