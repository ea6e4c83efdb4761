import assert from "node:assert/strict";
import { test } from "node:test";
import { Authorization } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { Mixer, ReferencedAttributes_Condition as Referenced } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { clientOf } from "@xebec/platform-grpc";
import { authRequest, CONFIG, withMixer } from "./policy-mesh.testkit.ts";
import { objectsOf } from "./test-mesh.testkit.ts";

test("Check: status, validity, referenced attributes and workloads by uid", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Mixer, channel);
    const check = async (strings: Record<string, string>, blocked = "no") => {
      const words = [...Object.entries(strings).flat(), "x-block", blocked];
      const at = (word: string): number => -words.indexOf(word) - 1;
      const { precondition } = await client.check({
        attributes: {
          words,
          strings: Object.fromEntries(Object.entries(strings).map(([name, value]) => [at(name), at(value)])),
          stringMaps: { 15: { entries: { [at("x-block")]: at(blocked) } } },
        },
        globalWordCount: 221,
      });
      assert.ok(precondition);
      return precondition;
    };
    const base = {
      "source.uid": "kubernetes://ratings-v9-abc.default",
      "destination.namespace": "default",
      "destination.service.name": "reviews",
    };
    const denied = await check(base, "yes");
    assert.equal(denied.status?.code, 7);
    assert.equal(
      denied.status?.message,
      "denyall.istio-system:Not allowed, versions.istio-system:v9 is not whitelisted",
    );
    assert.equal(denied.validDuration?.seconds, 5n);
    assert.equal(denied.validUseCount, 1000);
    const { words = [], attributeMatches = [] } = denied.referencedAttributes ?? {};
    const shown = attributeMatches.map(({ name, mapKey, condition }) => {
      const key = mapKey < 0 ? `[${words[-mapKey - 1]}]` : "";
      return `${name}${key} ${Referenced[condition]}`;
    });
    // 201 context.reporter.kind, 155 destination.namespace, 15 request.headers, 191 destination.service.name, 3 source.uid, 203 url_path
    for (const want of ["201 ABSENCE", "155 EXACT", "15[x-block] EXACT", "191 EXACT", "3 EXACT", "203 ABSENCE"])
      assert.ok(shown.includes(want), `${want} in ${shown.join(", ")}`);

    const ok = await check({ ...base, "destination.service.name": "details" });
    assert.equal(ok.status?.code, 0);
    assert.deepEqual([ok.validDuration?.seconds, ok.validUseCount], [60n, 10_000]);
  }));

test("Check: a caller with a newer dictionary is refused", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Mixer, channel);
    await assert.rejects(async () => client.check({ attributes: {}, globalWordCount: 300 }), {
      code: "internal",
      message: /mixer knows 221 words, caller knows 300/,
    });
  }));

test("conditions of all objects are reported, and a change takes effect", () =>
  withMixer(async ({ channel, conditions, publish }) => {
    const broken = "mixer-policy/config.istio.io/rule/default/broken";
    assert.match(
      await waitFor("a condition", 2000, () => conditions.get(broken)),
      /^rejected InvalidExpression: spec.match: line 1, column 1: unknown attribute source.nam$/,
    );
    assert.match(conditions.get("mixer-policy/config.istio.io/rule/istio-system/deny") ?? "", /^attached/);
    await publish(objectsOf(CONFIG).filter((each) => each.name !== "deny" && each.name !== "broken"));
    await waitFor("the condition to be cleared", 2000, () => !conditions.has(broken));
    const client = clientOf(Authorization, channel);
    assert.equal((await client.check(authRequest("10.0.0.1", "/", { "x-block": "yes" }))).status?.code, 0);
  }));
