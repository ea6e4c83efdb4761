import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttributeValue } from "@xebec/model-attributes";
import { handler, object, rule, start } from "./runtime.testkit.ts";

test("a quota that no proxy asks for is not said to be in effect", async () => {
  const { states } = await start([
    handler("h", "spy"),
    object("quota", "rate", {}),
    object("checknothing", "nothing", {}),
    rule("limits", "", "h", ["rate.quota"]),
    rule("mixed", "", "h", ["nothing.checknothing", "rate.quota"]),
  ]);
  const said = (key: string): string => `${states[key]?.state} ${states[key]?.reason}`;
  assert.equal(said("rule/istio-system/limits"), "ignored NoProxyAsks");
  assert.equal(said("quota/istio-system/rate"), "ignored NoProxyAsks");
  assert.equal(said("rule/istio-system/mixed"), "attached PartlyRejected");
  assert.match(states["rule/istio-system/mixed"]?.message ?? "", /no proxy asks for quotas/);
});

test("a quota is granted in full unless an instance of its name applies; names are compared without case", async () => {
  const { runtime, bag } = await start([
    handler("h", "spy", { amount: 3 }),
    handler("bad", "spy", { mode: "throw" }),
    object("quota", "Rate", { dimensions: { app: "source.name" } }),
    object("quota", "limited", {}),
    rule("r", 'request.path == "/"', "h", ["limited.quota", "Rate.quota"]),
  ]);
  const ask = async (name: string, values: Record<string, AttributeValue>) =>
    await runtime.snapshot?.quota(bag(values), name, { amount: 10, bestEffort: true, deduplicationId: "" });
  assert.deepEqual(await ask("LIMITED", { "request.path": "/" }), { amount: 3, validMs: 1000 });
  assert.deepEqual(await ask("limited", { "request.path": "/other" }), { amount: 10, validMs: 60_000 });
  assert.deepEqual(await ask("unknown", { "request.path": "/" }), { amount: 10, validMs: 60_000 });
  assert.deepEqual(await ask("rate", { "request.path": "/" }), { amount: 0, validMs: 0 });
});
