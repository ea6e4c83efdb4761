import assert from "node:assert/strict";
import { test } from "node:test";
import { handler, NOTHING, object, rule, start } from "./runtime.testkit.ts";

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
    // Names of their own, revisions and descriptions are for readers.
    object("handler", "named", { compiledAdapter: "spy", name: "other" }),
    object("instance", "outside", { template: "x", name: "other" }),
    object("handler", "oop", { adapter: "x", connection: { address: "a:1" } }),
    NOTHING,
    object("listentry", "badtype", { value: "source.nme" }),
    object("quota", "emptyentry", { dimensions: { a: "" } }),
    object("metric", "field", { valu: "1" }),
    object("instance", "notemplate", { compiledTemplate: "nope" }),
    object("attributemanifest", "m", {
      ...{ revision: "1", name: "istio-proxy" },
      attributes: { "my.attr": { value_type: "STRING", description: "mine" }, "source.ip": { valueType: "STRING" } },
    }),
    object("kubernetes", "attributes", { source_uid: 'source.uid | ""' }),
    rule("fine", 'my.attr == "x"', "ok", ["nothing.checknothing"]),
    rule("byname", "", "named", ["nothing.checknothing"]),
    rule("byother", "", "other", ["nothing.checknothing"]),
    rule("syntax", 'source.name == "a" &&', "ok", ["nothing.checknothing"]),
    rule("nohandler", "", "none", ["nothing.checknothing"]),
    rule("noinstance", "", "ok", ["none"]),
    rule("wrongtemplate", "", "kube", ["nothing.checknothing"]),
    rule("partly", "", "ok", ["nothing.checknothing", "badtype.listentry"]),
    rule("bad1", "", "invalid", ["nothing.checknothing"]),
    rule("bad2", "", "unbuildable", ["nothing.checknothing"]),
    rule("kubeattrs", "", "kube", ["attributes.kubernetes"]),
    object("rule", "empty", {}),
    object("handler", "both", { compiledAdapter: "spy", adapter: "other" }),
    object("rule", "former", {
      selector: "source.nme",
      actions: [{ handler: "ok", instances: ["nothing.checknothing"] }],
    }),
    object("rule", "both", { selector: "true", actions: [{ handler: "both", instances: ["nothing.checknothing"] }] }),
  ]);
  const seen = (key: string): string => `${states[key]?.state} ${states[key]?.reason}: ${states[key]?.message}`;
  const is = (key: string, want: RegExp): void => assert.match(seen(key), want, key);
  is("handler/istio-system/ok", /^attached Built/);
  is("handler/istio-system/unused", /^compiled Unused/);
  is("handler/istio-system/who", /^rejected UnknownAdapter: spec.compiledAdapter: there is no adapter "nonesuch"/);
  is(
    "handler/istio-system/elsewhere",
    /^rejected UnknownAdapter: spec.compiledAdapter: the adapter "zipkin" of Istio is not supported by this version; the adapters are kubernetesenv, spy/,
  );
  is("handler/istio-system/typo", /^rejected InvalidSpec: spec.params.cod: unknown field; did you mean code\?/);
  is("handler/istio-system/invalid", /^rejected InvalidParams: spec.params.mode: is invalid/);
  is("handler/istio-system/unbuildable", /^rejected BuildFailed: the adapter spy could not be started: no/);
  is("handler/istio-system/kube", /^attached BuiltIn/);
  is("handler/istio-system/named", /^attached Built/);
  is("rule/istio-system/byother", /^rejected NoAction: .*there is no handler "other"/);
  is("instance/istio-system/outside", /^rejected MissingReference/);
  is("handler/istio-system/oop", /^rejected InvalidParams|MissingReference/);
  is(
    "listentry/istio-system/badtype",
    /^rejected InvalidExpression: spec.value: line 1, column 1: unknown attribute source.nme/,
  );
  is("quota/istio-system/emptyentry", /^rejected InvalidExpression: spec.dimensions.a: .*empty/);
  is("metric/istio-system/field", /^rejected InvalidSpec: spec.valu: unknown field; did you mean value\?/);
  is("instance/istio-system/notemplate", /^rejected UnknownTemplate/);
  is("attributemanifest/istio-system/m", /^rejected Conflict: spec.attributes\["source.ip"\]/);
  is("rule/istio-system/fine", /^attached Compiled/);
  is("rule/istio-system/syntax", /^rejected InvalidExpression: spec.match: line 1, column 22/);
  is("rule/istio-system/former", /^rejected InvalidExpression: spec.selector: .*unknown attribute source.nme/);
  is("rule/istio-system/both", /^attached Compiled/);
  is("handler/istio-system/both", /^attached Built/);
  is("rule/istio-system/nohandler", /^rejected NoAction: .*actions\[0\].handler: there is no handler "none"/);
  is("rule/istio-system/noinstance", /there is no instance "none"/);
  is("rule/istio-system/wrongtemplate", /does not take the template checknothing/);
  is("rule/istio-system/partly", /^attached PartlyRejected: .*"badtype.listentry" was rejected/);
  is(
    "rule/istio-system/bad1",
    /^attached PartlyRejected: .*invalid.istio-system is not at work; its checks are denied/,
  );
  is("rule/istio-system/bad2", /^attached PartlyRejected: .*its checks are denied/);
  is("rule/istio-system/empty", /^rejected NoAction/);
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
  is(
    "rule/istio-system/address",
    /^rejected InvalidExpression: spec.match: line 1, column 14: "x" is not an IP address/,
  );
  is("rule/other/pattern", /^rejected InvalidExpression: spec.match: .*regular expression "\["/);
  is("listentry/istio-system/when", /^rejected InvalidExpression: spec.value: .*"yesterday" is not an RFC 3339 time/);
  is("quota/istio-system/per", /^rejected InvalidExpression: spec.dimensions.at: /);
  is("rule/istio-system/partly", /^attached PartlyRejected: .*"when.listentry" was rejected/);
  is("rule/istio-system/header", /^attached PartlyRejected: .*requestHeaderOperations\[0\].values\[0\]: /);
  assert.equal((await check()).code, 7);
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
