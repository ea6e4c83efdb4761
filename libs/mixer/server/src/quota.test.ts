import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import {
  Mixer,
  CheckRequestSchema as MixerCheckRequestSchema,
  CheckResponseSchema as MixerCheckResponseSchema,
  ReferencedAttributes_Condition as Referenced,
  type ReferencedAttributes,
} from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { denier } from "@xebec/mixer-adapters-denier/info";
import { type CheckResult, defineAdapter } from "@xebec/mixer-sdk";
import { WireWriter } from "@xebec/model-attributes/wire";
import { clientOf } from "@xebec/platform-grpc";
import { createMixerPolicy } from "./mixer-service.ts";
import { withMixer } from "./policy-mesh.testkit.ts";
import { objectsOf, startMixer } from "./test-mesh.testkit.ts";

test("Check: quotas are counted per workload and answered under the name that was asked", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Mixer, channel);
    let calls = 0;
    const take = async (amount: bigint, bestEffort = false) => {
      const { quotas } = await client.check({
        attributes: { words: ["default"], strings: { 155: -1 } },
        globalWordCount: 221,
        deduplicationId: `call ${++calls}`,
        quotas: { RATE: { amount, bestEffort }, other: { amount } },
      });
      assert.equal(quotas.other?.grantedAmount, amount);
      assert.equal(quotas.other?.validDuration?.seconds, 60n);
      return quotas.RATE?.grantedAmount;
    };
    assert.equal(await take(3n), 3n);
    assert.equal(await take(3n), 0n);
    assert.equal(await take(3n, true), 2n);
  }));

const quotaOf = (name: string, amount: bigint): Buffer =>
  new WireWriter().message(4, (w) => w.text(1, name).message(2, (params) => params.int64(1, amount))).finish();

test("Check: a quota's reply names the attributes behind a workload that the check has found already", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Mixer, channel);
    const uid = "kubernetes://productpage-v1-abc.default";
    const { precondition, quotas } = await client.check({
      attributes: { words: [uid, "default", "reviews"], strings: { 3: -1, 155: -2, 191: -3 } },
      globalWordCount: 221,
      quotas: { rate: { amount: 1n } },
    });
    const shown = (referenced: ReferencedAttributes | undefined): string[] =>
      (referenced?.attributeMatches ?? []).map(({ name, condition }) => `${name} ${Referenced[condition]}`);
    // 3 source.uid, 0 source.ip, 174 source.principal, 5 source.labels or what else was asked for, 201 context.reporter.kind, 155 destination.namespace
    assert.ok(shown(precondition?.referencedAttributes).includes("3 EXACT"));
    assert.deepEqual(shown(quotas.rate?.referencedAttributes).sort(), [
      "0 ABSENCE",
      "155 EXACT",
      "174 ABSENCE",
      "201 ABSENCE",
      "3 EXACT",
      "5 ABSENCE",
    ]);
  }));

test("Check: the greatest amount is granted as it is", () =>
  withMixer(async ({ channel }) => {
    const greatest = 2n ** 63n - 1n;
    const { quotas } = await clientOf(Mixer, channel).check({ quotas: { other: { amount: greatest } } });
    assert.equal(quotas.other?.grantedAmount, greatest);
  }));

test("Check: a doubled quota counts once, and too many are refused", () =>
  withMixer(async ({ channel }) => {
    const ask = async (parts: Buffer[]) =>
      clientOf(Mixer, channel).check(fromBinary(MixerCheckRequestSchema, Buffer.concat(parts)));
    const raw = (parts: Buffer[]): Promise<Uint8Array> =>
      channel.unary("/istio.mixer.v1.Mixer/Check", Buffer.concat(parts));
    const twice = fromBinary(MixerCheckResponseSchema, await raw([quotaOf("rate", 4n), quotaOf("rate", 3n)]));
    assert.equal(twice.quotas.rate?.grantedAmount, 3n);
    const rest = await ask([quotaOf("rate", 2n), new WireWriter().text(3, "another call").finish()]);
    assert.equal(rest.quotas.rate?.grantedAmount, 2n, "the first entry was not charged");
    const many = Array.from({ length: 101 }, (_, i) => quotaOf(`q${i}`, 1n));
    assert.equal(Object.keys((await ask(many.slice(1))).quotas).length, 100);
    await assert.rejects(ask(many), { code: "resource_exhausted", message: /may ask for 100 quotas/ });
  }));

test("Check: quotas are asked of handlers that are open, though the configuration changed meanwhile", async () => {
  const events: string[] = [];
  let decide: () => void = () => assert.fail("nothing was asked");
  const numberOf = (params: unknown): unknown => (params as { validUseCount: number }).validUseCount;
  const slow = defineAdapter({
    name: "slow",
    description: "for tests",
    templates: ["checknothing", "quota"],
    config: denier.config,
    create: (params) => ({
      check: () =>
        new Promise<CheckResult>((resolve) => {
          decide = () => resolve({ code: 0, message: "", validMs: 1000, validUses: 1 });
          events.push(`check ${numberOf(params)}`);
        }),
      quota() {
        events.push(`quota ${numberOf(params)}`);
        return { amount: 1, validMs: 1 };
      },
      close: () => void events.push(`close ${numberOf(params)}`),
    }),
  });
  const config = (n: number) =>
    objectsOf(`
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: h, namespace: istio-system}
spec: {compiledAdapter: slow, params: {validUseCount: ${n}}}
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: c, namespace: istio-system}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: quota
metadata: {name: q, namespace: istio-system}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: r, namespace: istio-system}
spec: {actions: [{handler: h, instances: [c.checknothing, q.quota]}]}
`);
  const mixer = await startMixer(createMixerPolicy, [slow], config(1));
  try {
    const reply = clientOf(Mixer, mixer.channel).check({ quotas: { q: { amount: 1n } } });
    await waitFor("the check", 2000, () => events.length > 0);
    await mixer.publish(config(2));
    decide();
    await reply;
    await waitFor("the end of the old handler", 2000, () => events.includes("close 1"));
    assert.deepEqual(events, ["check 1", "quota 1", "close 1"]);
  } finally {
    await mixer.close();
  }
});
