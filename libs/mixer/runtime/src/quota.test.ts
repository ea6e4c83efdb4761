import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import type { AttributeValue } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
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
  assert.match(
    states["rule/istio-system/mixed"]?.message ?? "",
    /^in effect, but not all of it: no QuotaSpec that is bound .*nor a client of Mixer's Check API has asked/,
  );
});

test("a quota that somebody asks for by name is in effect from then on, also in the next configuration", async () => {
  let changed = 0;
  const objects = [
    handler("h", "spy"),
    object("quota", "Rate", {}),
    object("quota", "other", {}),
    object("checknothing", "nothing", {}),
    rule("limits", "", "h", ["Rate.quota"]),
    rule("both", "", "h", ["Rate.quota", "other.quota"]),
    rule("mixed", "", "h", ["nothing.checknothing", "Rate.quota"]),
  ];
  const { runtime, bag } = await start(objects, ["check", "quota", "report"], () => changed++);
  const said = () =>
    Object.fromEntries(
      runtime.conditions
        .filter(({ object: key }) => /\/(?:rule|quota)\//.test(key))
        .map(({ object: key, state, reason }) => [key.split("/").at(-1), `${state} ${reason}`]),
    );
  const ask = async (name: string): Promise<void> => {
    await runtime.snapshot?.quota(bag(), name, { amount: 1, bestEffort: false, deduplicationId: "" });
  };
  await ask("nobody-has-it");
  assert.equal(changed, 0);
  assert.equal(said().limits, "ignored NoProxyAsks");
  await ask("RATE");
  await ask("rate");
  assert.equal(changed, 1);
  const expected = {
    Rate: "attached Compiled",
    other: "ignored NoProxyAsks",
    limits: "attached Compiled",
    both: "attached PartlyRejected",
    mixed: "attached Compiled",
  };
  assert.deepEqual(said(), expected);
  await runtime.apply(objects);
  assert.deepEqual(said(), expected);
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

const HOST = "reviews.default.svc.cluster.local";
const spec = (name: string, rules: object[]): Resource => object("QuotaSpec", name, { rules }, "default");
const binding = (name: string, services: object[], ...specs: string[]): Resource =>
  object("QuotaSpecBinding", name, { services, quotaSpecs: specs.map((each) => ({ name: each })) }, "default");

describe("requests of proxies", () => {
  const started = (...objects: Resource[]) =>
    start([
      handler("h", "spy", { amount: 3 }),
      object("quota", "Limited", {}),
      object("quota", "other", {}),
      rule("r", "", "h", ["Limited.quota", "other.quota"]),
      ...objects,
    ]);
  const codeOf = async ({ runtime, bag }: Awaited<ReturnType<typeof started>>, host: string, path = "/") =>
    (await runtime.snapshot?.admit(bag({ "destination.service.host": host, "request.path": path })))?.code;

  it("are charged to the quotas of their service, and denied when too little is granted", async () => {
    const rules = [
      { match: [{ clause: { "request.path": { prefix: "/dear" } } }], quotas: [{ quota: "limited", charge: 4 }] },
      { match: [{ clause: { "request.path": { regex: "/ch.*p" } } }], quotas: [{ quota: "limited", charge: 3 }] },
    ];
    const mixer = await started(spec("s", rules), binding("b", [{ name: "reviews" }], "s"));
    assert.deepEqual(
      await Promise.all(["/dear/1", "/cheap", "/x/cheap", "/"].map((path) => codeOf(mixer, HOST, path))),
      [8, 0, 0, 0],
    );
    assert.equal(await codeOf(mixer, "details.default.svc.cluster.local", "/dear"), 0);
    const said = (key: string): string => `${mixer.states[key]?.state} ${mixer.states[key]?.reason}`;
    assert.equal(said("QuotaSpec/default/s"), "attached Compiled");
    assert.equal(said("QuotaSpecBinding/default/b"), "attached Compiled");
    assert.equal(said("quota/istio-system/Limited"), "attached Compiled");
    assert.equal(said("quota/istio-system/other"), "ignored NoProxyAsks");
  });

  it("of all services are meant by a star, and charges of several specs add up", async () => {
    const two = [{ quotas: [{ quota: "limited", charge: 2 }] }];
    const mixer = await started(
      ...[spec("s", two), spec("t", two)],
      ...[binding("b", [{ service: "*" }], "s"), binding("c", [{ service: HOST }], "t")],
    );
    assert.deepEqual([await codeOf(mixer, "any.example.com"), await codeOf(mixer, HOST)], [0, 8]);
  });

  it("what is missing, and what cannot fit, is said", async () => {
    const rules = [{ match: [{ clause: { "no.such": { exact: "x" } } }], quotas: [{ quota: "limited", charge: 9 }] }];
    const mixer = await started(
      ...[spec("odd", rules), spec("unused", rules)],
      ...[binding("b", [{ service: "*" }], "odd", "none"), binding("lost", [{ service: "*" }], "none")],
    );
    assert.equal(await codeOf(mixer, HOST), 0);
    const said = (key: string): string => `${mixer.states[key]?.reason} ${mixer.states[key]?.message}`;
    assert.match(said("QuotaSpec/default/odd"), /^PartlyRejected .*clause.no.such: unknown attribute no.such/);
    assert.match(said("QuotaSpec/default/unused"), /^Unused /);
    assert.match(said("QuotaSpecBinding/default/b"), /^PartlyRejected .*no QuotaSpec default\/none/);
    assert.match(said("QuotaSpecBinding/default/lost"), /^NoAction there is no QuotaSpec default\/none/);
  });
});
