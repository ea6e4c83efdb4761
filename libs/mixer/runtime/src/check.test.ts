import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttributeValue, stringMap } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import { handler, NOTHING, object, rule, start } from "./runtime.testkit.ts";

test("a rule whose condition holds asks its handler; others do not", async () => {
  const { check, events } = await start([
    handler("deny", "spy", { code: 7 }),
    NOTHING,
    rule("r", 'request.headers["x-block"] == "yes"', "deny", ["nothing.checknothing"]),
  ]);
  assert.deepEqual(await check({ "request.headers": stringMap({ "x-block": "no" }) }), {
    code: 0,
    message: "",
    validMs: 60_000,
    validUses: 10_000,
    requestHeaders: [],
    responseHeaders: [],
    direct: undefined,
  });
  const denied = await check({ "request.headers": stringMap({ "x-block": "yes" }) });
  assert.deepEqual([denied.code, denied.message, denied.validMs], [7, "deny.istio-system:by deny.istio-system", 1000]);
  assert.equal((await check()).code, 0, "a condition that cannot be evaluated does not hold");
  assert.deepEqual(events, ["create deny.istio-system", "check deny.istio-system nothing.checknothing.istio-system"]);
});

test("results are folded: least validity, first denial's code, all denials' messages, bare OK left out", async () => {
  const { check } = await start([
    handler("a", "spy", { code: 0, validMs: 500 }),
    handler("b", "spy", { code: 7, validMs: 2000 }),
    object("spy", "c", { code: 16, validMs: 3000, mode: "later" }),
    handler("d", "spy", { code: 0, validMs: 0 }),
    NOTHING,
    ...["a", "b", "c.spy", "d"].map((each, i) => rule(`r${i}`, "", each, ["nothing.checknothing"])),
  ]);
  const { code, message, validMs, validUses } = await check();
  assert.deepEqual(
    { code, message, validMs, validUses },
    {
      code: 7,
      message: "b.istio-system:by b.istio-system, c.spy.istio-system:by c.spy.istio-system",
      validMs: 500,
      validUses: 50,
    },
  );
});

test("the default namespace's rules hold everywhere, others in their own; the reporter's side decides", async () => {
  const { check, events } = await start([
    handler("h", "spy"),
    NOTHING,
    object("checknothing", "mine", {}, "a"),
    object("handler", "own", { compiledAdapter: "spy" }, "a"),
    rule("all", "", "h", ["nothing.checknothing"]),
    rule("a", "true", "own", ["mine.checknothing"], "a"),
  ]);
  const asked = async (values: Record<string, AttributeValue>): Promise<string[]> => {
    events.length = 0;
    await check(values);
    return events.map((each) => each.split(" ")[1] as string);
  };
  assert.deepEqual(await asked({ "destination.namespace": "b" }), ["h.istio-system"]);
  assert.deepEqual(await asked({ "destination.namespace": "a" }), ["h.istio-system", "own.a"]);
  const outbound = { "context.reporter.kind": "outbound", "destination.namespace": "a", "source.namespace": "b" };
  assert.deepEqual(await asked(outbound), ["h.istio-system"]);
  assert.deepEqual(await asked({ ...outbound, "source.namespace": "a" }), ["h.istio-system", "own.a"]);
});

test("an instance that cannot be evaluated and a handler that fails fail the check, with Mixer's texts", async () => {
  const { check } = await start([
    handler("h", "spy", { mode: "throw" }),
    NOTHING,
    object("listentry", "entry", { value: "source.name" }),
    rule("r", "", "h", ["nothing.checknothing", "entry.listentry"]),
  ]);
  await assert.rejects(async () => check(), {
    code: "internal",
    message:
      "performing check operation failed: 2 errors occurred:\n\n* broken\n* evaluation failed at [entry.listentry.istio-system]'Value': 'lookup failed: 'source.name''",
  });
});

test("header operations apply to allowed requests; a namespace with checks of its own does not inherit them", async () => {
  const operations = (name: string, namespace?: string): Resource =>
    object(
      "rule",
      name,
      {
        match: 'request.path != "/off"',
        requestHeaderOperations: [
          { name: "x-user", values: ['source.user | "none"', '""'] },
          { name: "x-drop", operation: "REMOVE" },
        ],
        response_header_operations: [{ name: "x-by", values: ['"xebec"'], operation: "APPEND" }],
      },
      namespace,
    );
  const { check } = await start([operations("all"), operations("own", "a")]);
  const outcome = await check({ "request.path": "/", "source.user": "u" });
  assert.deepEqual(outcome.requestHeaders, [
    { name: "x-user", operation: "REPLACE", value: "u" },
    { name: "x-drop", operation: "REMOVE", value: "" },
  ]);
  assert.deepEqual(outcome.responseHeaders, [{ name: "x-by", operation: "APPEND", value: "xebec" }]);
  assert.equal(outcome.validMs, 60_000);
  assert.equal((await check({ "request.path": "/off" })).requestHeaders.length, 0);
  assert.equal((await check({ "request.path": "/", "destination.namespace": "a" })).requestHeaders.length, 2);
});

test("a reference may name a kind or a namespace", async () => {
  const { check } = await start([
    handler("far", "spy", { code: 5 }, "other"),
    object("checknothing", "inst", {}, "other"),
    rule("r", "", "far.other", ["inst.checknothing.other"]),
  ]);
  assert.equal((await check()).code, 5);
});
