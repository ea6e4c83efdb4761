import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Adapter,
  type CheckResult,
  defineAdapter,
  type Instance,
  type ListEntryInstance,
  type MetricInstance,
  type Variety,
} from "@xebec/mixer-sdk";
import { type AttributeValue, MutableBag, stringMap } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import { Type } from "typebox";
import { type CheckOutcome, joinErrors } from "./outcome.ts";
import { MixerRuntime } from "./runtime.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

function object(kind: string, name: string, spec: object, namespace = "istio-system"): Resource {
  return { group: "config.istio.io", version: "v1alpha2", kind, namespace, name, spec };
}
const handler = (name: string, adapter: string, params: object = {}, namespace?: string): Resource =>
  object("handler", name, { compiledAdapter: adapter, params }, namespace);
const rule = (name: string, match: string, to: string, instances: string[], namespace?: string): Resource =>
  object("rule", name, { match, actions: [{ handler: to, instances }] }, namespace);

/** An adapter that says what it was asked, and answers with its configuration. */
function spy(): { adapter: Adapter; events: string[]; reports: Instance[][] } {
  const events: string[] = [];
  const reports: Instance[][] = [];
  const adapter = defineAdapter({
    name: "spy",
    description: "for tests",
    templates: ["checknothing", "listentry", "metric", "quota"],
    config: Type.Object(
      {
        code: Type.Optional(Type.Integer()),
        validMs: Type.Optional(Type.Integer()),
        mode: Type.Optional(Type.String()),
        amount: Type.Optional(Type.Integer()),
      },
      { additionalProperties: false },
    ),
    defaults: { code: 0, validMs: 1000 },
    validate: ({ mode }) => (mode === "invalid" ? ["mode: is invalid"] : []),
    validateTogether(handlers) {
      const [, ...more] = handlers.filter((each) => each.config.mode === "only");
      return new Map(more.map(({ handler: name }) => [name, ["mode: only one handler can have it"]]));
    },
    create({ code = 0, validMs = 0, mode = "", amount = 0 }, { handler: name }) {
      if (mode === "unbuildable") throw new Error("no");
      events.push(`create ${name}`);
      return {
        check(instance: ListEntryInstance): CheckResult | Promise<CheckResult> {
          events.push(
            `check ${name} ${instance.name}${instance.value === undefined ? "" : ` ${String(instance.value)}`}`,
          );
          if (mode === "throw") throw new Error("broken");
          const result = { code, message: `by ${name}`, validMs, validUses: validMs / 10 };
          return mode === "later" ? new Promise((resolve) => setImmediate(() => resolve(result))) : result;
        },
        report(instances) {
          reports.push([...instances]);
          if (mode === "throw") throw new Error("broken");
        },
        quota: () => ({ amount, validMs }),
        close: () => void events.push(`close ${name}`),
      };
    },
  });
  return { adapter, events, reports };
}

async function start(resources: Resource[], varieties: Variety[] = ["check", "quota", "report"]) {
  const { adapter, events, reports } = spy();
  const runtime = new MixerRuntime({
    adapters: [adapter],
    varieties,
    builtIn: new Map([["kubernetesenv", "built in"]]),
    log,
  });
  const conditions = await runtime.apply(resources);
  const bag = (values: Record<string, AttributeValue> = {}): MutableBag =>
    new MutableBag((runtime.snapshot as NonNullable<typeof runtime.snapshot>).layout, {
      "destination.namespace": "default",
      ...values,
    });
  const check = async (values: Record<string, AttributeValue> = {}): Promise<CheckOutcome> =>
    (await runtime.snapshot?.check(bag(values))) as CheckOutcome;
  const states = Object.fromEntries(conditions.map((each) => [each.object.slice("config.istio.io/".length), each]));
  return { runtime, events, reports, bag, check, states, conditions };
}

const NOTHING = object("checknothing", "nothing", {});

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

test("a report hands all instances of a batch to a handler at once; equal dimensions are one object", async () => {
  const dimensions = { app: 'source.labels["app"] | "unknown"', code: "response.code | 200" };
  const { runtime, bag, reports } = await start([
    handler("h", "spy"),
    object("metric", "count", { value: "1", dimensions, monitored_resource_type: '"UNSPECIFIED"' }),
    object("instance", "size", { compiledTemplate: "metric", params: { value: "request.size", dimensions } }),
    rule("r", 'context.protocol == "http"', "h", ["count.metric", "size"]),
  ]);
  const batch = runtime.snapshot?.report();
  assert.ok(batch);
  batch.add(bag({ "context.protocol": "http", "request.size": 5, "source.labels": stringMap({ app: "web" }) }));
  batch.add(bag({ "context.protocol": "tcp", "request.size": 6 }));
  batch.add(bag({ "context.protocol": "http" }));
  const errors = await batch.flush();
  assert.deepEqual(
    errors.map((each) => each.message),
    ["evaluation failed at [size.instance.istio-system]'Value': 'lookup failed: 'request.size''"],
  );
  assert.equal(reports.length, 1);
  const [first, second, third] = reports[0] as MetricInstance[];
  assert.deepEqual(first, {
    name: "count.metric.istio-system",
    types: { value: "INT64", monitoredResourceType: "STRING" },
    value: 1,
    dimensions: { names: ["app", "code"], types: ["STRING", "INT64"], values: ["web", 200] },
    monitoredResourceType: "UNSPECIFIED",
  });
  assert.equal(second?.value, 5);
  assert.equal(second?.dimensions, first?.dimensions);
  assert.notEqual(third?.dimensions, first?.dimensions);
});

test("a batch is full after a thousand instances, and can be filled again when they were handed over", async () => {
  const { runtime, bag, reports } = await start([
    handler("h", "spy"),
    object("metric", "count", { value: "1" }),
    rule("r", "", "h", ["count.metric"]),
  ]);
  const batch = runtime.snapshot?.report();
  assert.ok(batch);
  while (!batch.full) batch.add(bag());
  assert.deepEqual(await batch.flush(), []);
  assert.equal(batch.full, false);
  batch.add(bag());
  await batch.flush();
  assert.deepEqual(
    reports.map((each) => each.length),
    [1000, 1],
  );
});

test("of many errors the first ones are shown", () => {
  const text = joinErrors(Array.from({ length: 1000 }, (_, i) => new Error(`e${i}`)));
  assert.match(text, /^1000 errors occurred:\n\n\* e0\n/);
  assert.match(text, /\n\* e19\n\* and 980 more$/);
});

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

test("every object gets a condition that says what is wrong and where", async () => {
  const { states } = await start([
    handler("ok", "spy"),
    handler("unused", "spy"),
    handler("who", "nonesuch"),
    handler("elsewhere", "zipkin"),
    handler("typo", "spy", { cod: 1 }),
    handler("invalid", "spy", { mode: "invalid" }),
    handler("unbuildable", "spy", { mode: "unbuildable" }),
    handler("kube", "kubernetesenv"),
    object("handler", "oop", { adapter: "x", connection: { address: "a:1" } }),
    NOTHING,
    object("listentry", "badtype", { value: "source.nme" }),
    object("quota", "emptyentry", { dimensions: { a: "" } }),
    object("metric", "field", { valu: "1" }),
    object("instance", "notemplate", { compiledTemplate: "nope" }),
    object("attributemanifest", "m", {
      attributes: { "my.attr": { value_type: "STRING" }, "source.ip": { valueType: "STRING" } },
    }),
    object("kubernetes", "attributes", { source_uid: 'source.uid | ""' }),
    rule("fine", 'my.attr == "x"', "ok", ["nothing.checknothing"]),
    rule("syntax", 'source.name == "a" &&', "ok", ["nothing.checknothing"]),
    rule("nohandler", "", "none", ["nothing.checknothing"]),
    rule("noinstance", "", "ok", ["none"]),
    rule("wrongtemplate", "", "kube", ["nothing.checknothing"]),
    rule("partly", "", "ok", ["nothing.checknothing", "badtype.listentry"]),
    rule("bad1", "", "invalid", ["nothing.checknothing"]),
    rule("bad2", "", "unbuildable", ["nothing.checknothing"]),
    rule("kubeattrs", "", "kube", ["attributes.kubernetes"]),
    object("rule", "empty", {}),
    object("rule", "selector", {
      selector: 'source.name == "x"',
      actions: [{ handler: "ok", instances: ["nothing.checknothing"] }],
    }),
  ]);
  const seen = (key: string): string => `${states[key]?.state} ${states[key]?.reason}: ${states[key]?.message}`;
  const is = (key: string, want: RegExp): void => assert.match(seen(key), want, key);
  is("handler/istio-system/ok", /^attached Built/);
  is("handler/istio-system/unused", /^compiled Unused/);
  is("handler/istio-system/who", /^rejected UnknownAdapter: spec.compiledAdapter: there is no adapter "nonesuch"/);
  is(
    "handler/istio-system/elsewhere",
    /^rejected UnknownAdapter: the adapter "zipkin" is not built into this service, which has: spy/,
  );
  is("handler/istio-system/typo", /^rejected InvalidSpec: spec.params: unknown field "cod"/);
  is("handler/istio-system/invalid", /^rejected InvalidParams: params.mode: is invalid/);
  is("handler/istio-system/unbuildable", /^rejected BuildFailed: the adapter spy could not be started: no/);
  is("handler/istio-system/kube", /^attached BuiltIn/);
  is("handler/istio-system/oop", /^rejected Unsupported/);
  is(
    "listentry/istio-system/badtype",
    /^rejected InvalidExpression: spec.value: line 1, column 1: unknown attribute source.nme/,
  );
  is("quota/istio-system/emptyentry", /^rejected InvalidExpression: spec.dimensions\[a\]: .*empty/);
  is("metric/istio-system/field", /^rejected InvalidSpec: spec: unknown field "valu"/);
  is("instance/istio-system/notemplate", /^rejected UnknownTemplate/);
  is("attributemanifest/istio-system/m", /^rejected Conflict: spec.attributes\[source.ip\]/);
  is("rule/istio-system/fine", /^attached Compiled/);
  is("rule/istio-system/syntax", /^rejected InvalidExpression: spec.match: line 1, column 22/);
  is("rule/istio-system/nohandler", /^rejected NoAction: .*actions\[0\].handler: there is no handler "none"/);
  is("rule/istio-system/noinstance", /there is no instance "none"/);
  is("rule/istio-system/wrongtemplate", /does not take the template checknothing/);
  is("rule/istio-system/partly", /^attached PartlyRejected: .*"badtype.listentry" was rejected/);
  is("rule/istio-system/bad1", /^rejected NoAction: .*could not be started/);
  is("rule/istio-system/bad2", /^rejected NoAction/);
  is("rule/istio-system/empty", /^rejected NoAction/);
  is("rule/istio-system/selector", /^attached/);
  assert.equal(states["rule/istio-system/kubeattrs"], undefined);
  assert.equal(states["kubernetes/istio-system/attributes"], undefined);
});

test("a constant that can never be used rejects its object and hinders no other", async () => {
  const { states, check } = await start([
    handler("deny", "spy", { code: 7 }),
    NOTHING,
    object("listentry", "when", { value: 'timestamp("yesterday")' }),
    object("quota", "per", { dimensions: { at: 'ip("x")' } }),
    rule("good", "", "deny", ["nothing.checknothing"]),
    rule("address", 'source.ip == ip("x")', "deny", ["nothing.checknothing"]),
    rule("pattern", '"[".matches(request.path)', "deny", ["nothing.checknothing"], "other"),
    rule("partly", "", "deny", ["nothing.checknothing", "when.listentry", "per.quota"]),
    object("rule", "header", {
      actions: [{ handler: "deny", instances: ["nothing.checknothing"] }],
      requestHeaderOperations: [{ name: "x", values: ['conditional("(".matches(request.path), "a", "b")'] }],
    }),
  ]);
  const is = (key: string, want: RegExp): void =>
    assert.match(`${states[key]?.state} ${states[key]?.reason}: ${states[key]?.message}`, want, key);
  is("rule/istio-system/good", /^attached Compiled/);
  is("rule/istio-system/address", /^rejected InvalidExpression: spec.match: line 1, column 14: "x" is no IP address/);
  is("rule/other/pattern", /^rejected InvalidExpression: spec.match: .*regular expression "\["/);
  is("listentry/istio-system/when", /^rejected InvalidExpression: spec.value: .*"yesterday" is no RFC 3339 time/);
  is("quota/istio-system/per", /^rejected InvalidExpression: spec.dimensions\[at\]: /);
  is("rule/istio-system/partly", /^attached PartlyRejected: .*"when.listentry" was rejected/);
  is("rule/istio-system/header", /^attached PartlyRejected: .*requestHeaderOperations\[0\].values\[0\]: /);
  assert.equal((await check()).code, 7);
});

test("a configuration that cannot be compiled at all keeps no handler open", async () => {
  const { adapter, events } = spy();
  const runtime = new MixerRuntime({ adapters: [adapter], varieties: ["check"], inputs: ["no.such"], log });
  const all = [handler("a", "spy"), NOTHING, rule("r", "", "a", ["nothing.checknothing"])];
  await assert.rejects(runtime.apply(all), /unknown attribute no.such/);
  assert.deepEqual(events, ["create a.istio-system", "close a.istio-system"]);
});

test("objects of other services' varieties are of no concern", async () => {
  const { conditions } = await start(
    [
      object("metric", "count", { value: "1" }),
      handler("prom", "prometheus", { anything: 1 }),
      rule("r", "", "prom", ["count.metric"]),
      NOTHING,
    ],
    ["check"],
  );
  assert.deepEqual(
    conditions.map((each) => each.object),
    ["config.istio.io/checknothing/istio-system/nothing"],
  );
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
  assert.equal(states["handler/istio-system/b"]?.message, "params.mode: only one handler can have it");
  const conditions = await runtime.apply([...only("invalid"), ...rest]);
  const b = conditions.find((each) => each.object.endsWith("handler/istio-system/b"));
  assert.equal(b?.state, "attached", "one that is refused is in nobody's way");
});

test("a reference may name a kind or a namespace", async () => {
  const { check } = await start([
    handler("far", "spy", { code: 5 }, "other"),
    object("checknothing", "inst", {}, "other"),
    rule("r", "", "far.other", ["inst.checknothing.other"]),
  ]);
  assert.equal((await check()).code, 5);
});
