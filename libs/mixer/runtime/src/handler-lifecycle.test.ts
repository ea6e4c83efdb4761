import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { handler, log, NOTHING, object, rule, spy, start } from "./runtime.testkit.ts";
import { MixerRuntime } from "./runtime.ts";

test("a configuration that cannot be compiled at all keeps no handler open", async () => {
  const { adapter, events } = spy();
  const runtime = new MixerRuntime({ adapters: [adapter], varieties: ["check"], inputs: ["no.such"], log });
  const all = [handler("a", "spy"), NOTHING, rule("r", "", "a", ["nothing.checknothing"])];
  await assert.rejects(runtime.apply(all), /unknown attribute no.such/);
  assert.deepEqual(events, ["create a.istio-system", "close a.istio-system"]);
});

test("unchanged handlers live on; changed and unused ones are closed after their last call", async () => {
  const { runtime, events, bag } = await start([
    handler("a", "spy"),
    handler("b", "spy", { mode: "later", code: 7 }),
    NOTHING,
    rule("r", "", "a", ["nothing.checknothing"]),
    rule("s", "", "b", ["nothing.checknothing"]),
  ]);
  const pending = runtime.snapshot?.check(bag());
  assert.ok(pending instanceof Promise);
  events.length = 0;
  await runtime.apply([handler("a", "spy"), NOTHING, rule("r", "", "a", ["nothing.checknothing"])]);
  assert.deepEqual(events, [], "a call is still running");
  assert.equal((await pending).code, 7);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events, ["close b.istio-system"]);
  events.length = 0;
  await runtime.apply([handler("a", "spy", { validMs: 5 }), NOTHING, rule("r", "", "a", ["nothing.checknothing"])]);
  assert.deepEqual(events, ["create a.istio-system", "close a.istio-system"]);
  await runtime.close();
  assert.deepEqual(events, ["create a.istio-system", "close a.istio-system", "close a.istio-system"]);
});

test("a handler is built anew when its instances have other types, though their texts are the same", async () => {
  const manifest = (valueType: string): Resource =>
    object("attributemanifest", "m", { attributes: { "my.attr": { valueType } } });
  const rest = [handler("a", "spy"), object("metric", "m", { value: "my.attr" }), rule("r", "", "a", ["m.metric"])];
  const { runtime, events } = await start([manifest("INT64"), ...rest]);
  await runtime.apply([manifest("INT64"), ...rest]);
  assert.deepEqual(events, ["create a.istio-system"]);
  await runtime.apply([manifest("DURATION"), ...rest]);
  assert.deepEqual(events, ["create a.istio-system", "create a.istio-system", "close a.istio-system"]);
});

test("of handlers that exclude each other in one configuration the first by name stays", async () => {
  const only = (mode: string): Resource[] => [handler("a", "spy", { mode }), handler("b", "spy", { mode: "only" })];
  const rest = [NOTHING, ...["a", "b"].map((each) => rule(each, "", each, ["nothing.checknothing"]))];
  const { runtime, states } = await start([...only("only"), ...rest]);
  assert.match(states["handler/istio-system/a"]?.state ?? "", /attached/);
  assert.equal(states["handler/istio-system/b"]?.reason, "InvalidParams");
  assert.equal(states["handler/istio-system/b"]?.message, "spec.params.mode: only one handler can have it");
  const conditions = await runtime.apply([...only("invalid"), ...rest]);
  const b = conditions.find((each) => each.object.endsWith("handler/istio-system/b"));
  assert.equal(b?.state, "attached", "one that is refused is in nobody's way");
});
