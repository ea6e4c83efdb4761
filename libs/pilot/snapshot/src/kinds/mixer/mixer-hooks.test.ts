import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TEMPLATES } from "@xebec/model-mixer";
import { keyOf, type Resource } from "@xebec/model-resources";
import { mixerHooksOf } from "./mixer-hooks.ts";

const object = (kind: string, name: string, spec: object, namespace = "a"): Resource => ({
  ...{ group: "config.istio.io", version: "v1alpha2", kind, namespace, name, spec },
});
const BINDING = object("QuotaSpecBinding", "b", { services: [{ name: "web" }] });
/** Whether a rule of namespace `a` with one instance is asked, and whether it reports. Quotas are bound to a service. */
function hooks(reference: string, ...instances: Resource[]): { asked: boolean; reports: boolean } {
  const rule = object("rule", "r", { actions: [{ handler: "h", instances: [reference] }] });
  const { policy, reports } = mixerHooksOf(new Map([rule, BINDING, ...instances].map((each) => [keyOf(each), each])));
  return { asked: policy.rules.length > 0, reports };
}

describe("what Mixer's rules ask of proxies", () => {
  for (const [name, { variety }] of TEMPLATES)
    it(`follows from the variety of a template: ${name} is ${variety}`, () => {
      const want = { asked: variety === "check" || variety === "quota", reports: variety === "report" };
      assert.deepEqual(hooks("i", object("instance", "i", { compiledTemplate: name })), want);
      assert.deepEqual(hooks(`i.${name}`, object(name, "i", {})), want);
    });

  it("finds instances as Mixer does, and asks nothing for those that are not there", () => {
    const asked = { asked: true, reports: false };
    const nothing = { asked: false, reports: false };
    const far = object("checknothing", "i", {}, "b");
    assert.deepEqual(hooks("i.checknothing.b", far), asked);
    assert.deepEqual(hooks("i.b", object("instance", "i", { compiledTemplate: "listentry" }, "b")), asked);
    assert.deepEqual(hooks("i.instance.a", object("instance", "i", { compiledTemplate: "listentry" })), asked);
    for (const reference of ["i", "i.checknothing", "i.b"]) assert.deepEqual(hooks(reference, far), nothing, reference);
    // What an adapter from outside, or in a process of its own, does with it is known to Mixer only.
    const unknown = { asked: true, reports: true };
    assert.deepEqual(hooks("i", object("instance", "i", { template: "listentry" })), unknown);
    assert.deepEqual(hooks("i", object("instance", "i", { compiledTemplate: "from-nowhere" })), unknown);
  });
});

it("lets proxies report the headers in which API keys come", () => {
  const headers = (...more: Resource[]): readonly string[] => {
    const rule = object("rule", "r", { actions: [{ handler: "h", instances: ["m.metric"] }] });
    const all = [rule, object("metric", "m", {}), ...more];
    return mixerHooksOf(new Map(all.map((each) => [keyOf(each), each]))).requestHeaders;
  };
  const spec = (apiKeys: object[]): Resource => object("HTTPAPISpec", "s", { patterns: [], apiKeys });
  const binding = object("HTTPAPISpecBinding", "b", { services: [{ name: "web" }], apiSpecs: [{ name: "s" }] });
  assert.deepEqual(headers(spec([])), []);
  assert.deepEqual(headers(spec([]), binding), ["x-api-key"]);
  assert.deepEqual(headers(spec([{ header: "X-Key" }, { cookie: "c" }, { query: "q" }]), binding), ["cookie", "x-key"]);
});
