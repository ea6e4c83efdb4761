import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineAdapter, type Instance, message } from "@xebec/mixer-sdk";
import { type AttributeValue, MutableBag, parseIp, stringMap } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import type { Output } from "./preprocess.ts";
import { handler, log, NOTHING, object, rule, spy } from "./runtime.testkit.ts";
import { MixerRuntime } from "./runtime.ts";

/** A runtime with an adapter that finds attributes. */
async function start(find: (instance: Instance) => Output | Promise<Output>, resources: Resource[]) {
  const finder = defineAdapter({
    name: "finder",
    description: "for tests",
    templates: ["kubernetes"],
    config: message("finder.Params", {}),
    create: () => ({ attributes: find as never }),
  });
  const { adapter, events, reports } = spy();
  const runtime = new MixerRuntime({
    adapters: [finder, adapter],
    varieties: ["check", "quota", "report", "attributes"],
    log,
  });
  const conditions = await runtime.apply(resources);
  const states = Object.fromEntries(conditions.map((each) => [each.object.slice("config.istio.io/".length), each]));
  const snapshot = runtime.snapshot as NonNullable<typeof runtime.snapshot>;
  const bag = (values: Record<string, AttributeValue> = {}): MutableBag =>
    new MutableBag(snapshot.layout, { "destination.namespace": "default", ...values });
  return { snapshot, states, bag, events, reports };
}

const textIn = (instance: Instance | undefined): unknown => Reflect.get(instance ?? {}, "value");

const attributes = (
  bindings: Record<string, string>,
  params: object = { source_uid: 'source.uid | "none"' },
): Resource =>
  object("instance", "attributes", { compiledTemplate: "kubernetes", params, attributeBindings: bindings });
const FIND = [handler("find", "finder"), rule("find", "", "find", ["attributes"])];
const LISTED = [
  handler("spy", "spy"),
  object("listentry", "who", { value: "source.workload.name" }),
  rule("check", "", "spy", ["who.listentry"]),
];

describe("attributes that a handler finds", () => {
  it("are laid over the request for checks, quotas and reports; what the caller sent stays", async () => {
    const { snapshot, bag, events, reports } = await start(
      ({ sourceUid }: Instance & { sourceUid?: string }) => ({ sourceWorkloadName: `of ${sourceUid}` }),
      [
        attributes({ "source.workload.name": '$out.source_workload_name | "unknown"' }),
        ...FIND,
        ...LISTED,
        object("metric", "m", { value: "source.workload.name" }),
        rule("report", "", "spy", ["m.metric"]),
      ],
    );
    await snapshot.check(bag({ "source.uid": "u" }));
    await snapshot.check(bag({ "source.workload.name": "sent" }));
    assert.deepEqual(events.slice(1), [
      "check spy.istio-system who.listentry.istio-system of u",
      "check spy.istio-system who.listentry.istio-system sent",
    ]);
    const batch = snapshot.report();
    batch.add(bag({ "source.uid": "r" }));
    assert.deepEqual(await batch.flush(), []);
    assert.equal(textIn(reports[0]?.[0]), "of r");
  });

  it("come late, too, and one batch of reports stays one", async () => {
    const { snapshot, bag, reports } = await start(
      async ({ sourceUid }: Instance & { sourceUid?: string }) => ({ sourceWorkloadName: sourceUid ?? "" }),
      [
        attributes({ "source.workload.name": "output.source_workload_name" }),
        ...FIND,
        handler("spy", "spy"),
        object("metric", "m", { value: "source.workload.name" }),
        rule("report", "", "spy", ["m.metric"]),
      ],
    );
    const batch = snapshot.report();
    for (const uid of ["a", "b"]) {
      batch.add(bag({ "source.uid": uid }));
      assert.equal(batch.full, true);
      await batch.flush(false);
    }
    assert.deepEqual(await batch.flush(), []);
    assert.deepEqual(
      reports.map((each) => each.map(textIn)),
      [["a", "b"]],
    );
  });

  it("that are left out are absent for bindings: a default serves, without one the check fails", async () => {
    const bindings = { "source.workload.name": '$out.source_workload_name | "unknown"' };
    const some = await start(() => ({}), [attributes(bindings), ...FIND, ...LISTED]);
    await some.snapshot.check(some.bag());
    assert.match(some.events[1] ?? "", /who.listentry.istio-system unknown$/);
    const none = await start(
      () => ({}),
      [attributes({ "source.workload.name": "$out.source_workload_name" }), ...FIND, ...LISTED],
    );
    assert.throws(
      () => none.snapshot.check(none.bag()),
      /preprocessing attributes failed: 1 error occurred:\n\n\* lookup failed/,
    );
  });

  it("may be of any type and read ordinary attributes", async () => {
    const { snapshot, bag, events } = await start(
      () => ({ sourceLabels: stringMap({ app: "web" }), sourcePodIp: parseIp("10.0.0.1") as Uint8Array }),
      [
        attributes({
          "source.workload.name": '($out.source_labels["app"]) + request.id',
          "source.ip": "$out.source_pod_ip",
        }),
        ...FIND,
        handler("spy", "spy"),
        object("listentry", "who", { value: "source.workload.name" }),
        rule("check", 'source.ip == ip("10.0.0.1")', "spy", ["who.listentry"]),
      ],
    );
    await snapshot.check(bag({ "request.id": "7" }));
    assert.match(events[1] ?? "", / web7$/);
  });

  it("that are bound wrongly are refused, with the place", async () => {
    const at = async (bindings: Record<string, string>): Promise<string> => {
      const { states } = await start(() => ({}), [attributes(bindings), ...FIND]);
      return states["instance/istio-system/attributes"]?.message ?? "";
    };
    assert.match(
      await at({ "source.nothing": "$out.source_namespace" }),
      /spec\.attributeBindings.*source\.nothing.*unknown attribute/,
    );
    assert.match(await at({ "source.namespace": "$out.source_labels" }), /STRING_MAP, expected STRING/);
    assert.match(await at({ "source.namespace": "$out.nothing" }), /line 1, column 1: unknown attribute/);
  });
});

describe("header operations", () => {
  it("of a broken rule disable no other rule", async () => {
    const { snapshot, bag, states } = await start(
      () => ({}),
      [
        handler("spy", "spy"),
        NOTHING,
        object("rule", "broken", {
          actions: [{ handler: "spy", instances: ["nothing.checknothing"], name: "a" }],
          requestHeaderOperations: [{ name: "x", values: ["a.output.nothing"] }],
        }),
        object("rule", "fine", { requestHeaderOperations: [{ name: "y", values: ['"1"'] }] }),
      ],
    );
    assert.equal(states["rule/istio-system/broken"]?.reason, "PartlyRejected");
    const outcome = await snapshot.check(bag());
    assert.deepEqual(outcome.requestHeaders, [{ name: "y", value: "1", operation: "REPLACE" }]);
  });
});
