import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Authorization, CheckRequestSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
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
import { objectsOf, pod, policyAdapters, service, startMixer } from "./test-mesh.testkit.ts";

const CONFIG = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: denyall, namespace: istio-system}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: Not allowed}}}
---
apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: busy, namespace: istio-system}
spec:
  status:
    code: 14
    details:
    - {"@type": type.googleapis.com/istio.policy.v1beta1.DirectHttpResponse, code: 429, body: later, headers: {retry-after: "5"}}
---
apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: plain, namespace: istio-system}
spec: {status: {message: Not here}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: plain, namespace: istio-system}
spec:
  match: request.url_path == "/plain"
  actions: [{handler: plain.denier, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: unknown-workloads, namespace: istio-system}
spec:
  match: request.path == "/private" && source.labels["app"] != "productpage"
  actions: [{handler: denyall, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: nothing, namespace: istio-system}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny, namespace: istio-system}
spec:
  match: request.headers["x-block"] == "yes"
  actions: [{handler: denyall, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: busy, namespace: istio-system}
spec:
  match: request.url_path == "/busy"
  actions: [{handler: busy.denier, instances: [nothing.checknothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: versions, namespace: istio-system}
spec: {compiledAdapter: listchecker, params: {overrides: [v1, v2], caching_interval: 30s}}
---
apiVersion: config.istio.io/v1alpha2
kind: listentry
metadata: {name: srcversion, namespace: istio-system}
spec: {value: 'source.labels["version"] | "none"'}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: versions, namespace: default}
spec:
  match: destination.service.name == "reviews"
  actions: [{handler: versions.istio-system, instances: [srcversion.listentry.istio-system]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: headers, namespace: default}
spec:
  match: request.url_path == "/headers"
  requestHeaderOperations:
  - {name: x-workload, values: ['source.workload.name | "unknown"']}
  - {name: x-drop, operation: REMOVE}
  - {name: x-tag, values: ['"more"'], operation: APPEND}
  responseHeaderOperations:
  - {name: x-by, values: ['"xebec"'], operation: APPEND}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotas, namespace: istio-system}
spec: {compiledAdapter: memquota, params: {quotas: [{name: rate.quota.istio-system, maxAmount: 5, validDuration: 60s}]}}
---
apiVersion: config.istio.io/v1alpha2
kind: quota
metadata: {name: rate, namespace: istio-system}
spec: {dimensions: {app: 'source.labels["app"] | "unknown"'}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: quota, namespace: istio-system}
spec: {actions: [{handler: quotas, instances: [rate.quota]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: broken, namespace: default}
spec: {match: 'source.nam == "x"', actions: [{handler: denyall, instances: [nothing.checknothing]}]}
`;

const WORKLOADS = [
  pod("productpage", "v1", "10.0.0.1"),
  pod("ratings", "v9", "10.0.0.2"),
  pod("reviews", "v1", "10.0.0.3"),
  pod("client", "v9", "10.0.0.9", "other"),
  service("reviews"),
];

const start = () => startMixer(createMixerPolicy, policyAdapters(), objectsOf(CONFIG), WORKLOADS);
type Started = Awaited<ReturnType<typeof start>>;

async function withMixer(work: (mixer: Started) => Promise<void>): Promise<void> {
  const mixer = await start();
  try {
    await work(mixer);
  } finally {
    await mixer.close();
  }
}

const inbound = {
  "context.reporter.kind": "inbound",
  "destination.service.host": "reviews.default.svc.cluster.local",
  "destination.service.name": "reviews",
  "destination.service.namespace": "default",
};

function authRequest(
  from: string,
  path: string,
  headers: Record<string, string> = {},
  extensions: Record<string, string> = inbound,
): MessageInitShape<typeof CheckRequestSchema> {
  const address = (ip: string, port: number) =>
    ({
      address: { case: "socketAddress", value: { address: ip, portSpecifier: { case: "portValue", value: port } } },
    }) as const;
  return create(CheckRequestSchema, {
    attributes: {
      source: { address: address(from, 41000), principal: "" },
      destination: { address: address("10.0.0.3", 9080) },
      request: { http: { method: "GET", path, host: "reviews", headers } },
      contextExtensions: extensions,
    },
  });
}

test("ext_authz: denials have Mixer's status, body and headers; allowed requests pass", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Authorization, channel);
    const ok = await client.check(authRequest("10.0.0.1", "/"));
    assert.equal(ok.status?.code, 0);
    assert.equal(ok.httpResponse.case, undefined);

    const denied = await client.check(authRequest("10.0.0.1", "/", { "x-block": "yes" }));
    assert.equal(denied.status?.code, 7);
    assert.equal(denied.status?.message, "denyall.istio-system:Not allowed");
    assert.ok(denied.httpResponse.case === "deniedResponse");
    assert.equal(denied.httpResponse.value.status?.code, 403);
    assert.equal(denied.httpResponse.value.body, "PERMISSION_DENIED:denyall.istio-system:Not allowed");

    const direct = await client.check(authRequest("10.0.0.1", "/busy?x=1"));
    assert.ok(direct.httpResponse.case === "deniedResponse");
    assert.equal(direct.httpResponse.value.status?.code, 429);
    assert.equal(direct.httpResponse.value.body, "later");
    assert.deepEqual(
      direct.httpResponse.value.headers.map((each) => [each.header?.key, each.header?.value]),
      [["retry-after", "5"]],
    );

    const plain = await client.check(authRequest("10.0.0.1", "/plain"));
    assert.ok(plain.httpResponse.case === "deniedResponse", "a status without a code denies");
    assert.equal(plain.httpResponse.value.status?.code, 412);
    assert.equal(plain.httpResponse.value.body, "FAILED_PRECONDITION:plain.denier.istio-system:Not here");
  }));

test("ext_authz: workload attributes come from the caller's address, and from its certificate when there is one", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Authorization, channel);
    const other = await client.check(authRequest("10.0.0.2", "/"));
    assert.equal(other.status?.message, "versions.istio-system:v9 is not whitelisted");
    const unknown = await client.check(authRequest("10.9.9.9", "/"));
    assert.equal(unknown.status?.message, "versions.istio-system:none is not whitelisted");
    const request = create(CheckRequestSchema, authRequest("10.9.9.9", "/"));
    if (request.attributes?.source)
      request.attributes.source.principal = "spiffe://cluster.local/ns/default/sa/productpage";
    assert.equal((await client.check(request)).status?.code, 0);
    // Another service of the namespace is not the rule's.
    const elsewhere = { ...inbound, "destination.service.name": "details" };
    assert.equal((await client.check(authRequest("10.0.0.2", "/", {}, elsewhere))).status?.code, 0);
    // The reporter's side decides which namespace's rules hold.
    const outbound = { ...inbound, "context.reporter.kind": "outbound" };
    assert.equal((await client.check(authRequest("10.0.0.9", "/"))).status?.code, 7);
    assert.equal((await client.check(authRequest("10.0.0.9", "/", {}, outbound))).status?.code, 0);
  }));

test("a rule that denies all but some labels holds for callers whom nobody knows", () =>
  withMixer(async ({ channel }) => {
    const auth = clientOf(Authorization, channel);
    const codes = ["10.0.0.1", "10.0.0.2", "203.0.113.9"].map(
      async (from) => (await auth.check(authRequest(from, "/private"))).status?.code,
    );
    const [known, other, unknown] = await Promise.all(codes);
    assert.deepEqual([known, other !== 0, unknown !== 0], [0, true, true]);
    const { precondition } = await clientOf(Mixer, channel).check({
      attributes: { words: ["request.path", "/private"], strings: { [-1]: -2 } },
    });
    assert.equal(precondition?.status?.code, 7);
  }));

test("ext_authz: header operations reach Envoy as far as it can do them", () =>
  withMixer(async ({ channel }) => {
    const client = clientOf(Authorization, channel);
    const response = await client.check(authRequest("10.0.0.1", "/headers", { "x-tag": "one" }));
    assert.ok(response.httpResponse.case === "okResponse");
    const { headers, headersToRemove, responseHeadersToAdd } = response.httpResponse.value;
    assert.deepEqual(
      headers.map((each) => [each.header?.key, each.header?.value, each.append]),
      [
        ["x-workload", "productpage-v1", undefined],
        ["x-tag", "more", true],
      ],
    );
    assert.deepEqual(headersToRemove, ["x-drop"]);
    assert.deepEqual(
      responseHeadersToAdd.map((each) => [each.header?.key, each.header?.value]),
      [["x-by", "xebec"]],
    );
    const fresh = await client.check(authRequest("10.0.0.1", "/headers"));
    assert.ok(fresh.httpResponse.case === "okResponse");
    assert.equal(fresh.httpResponse.value.headers[1]?.append, undefined);
  }));

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
    // 3 source.uid, 0 source.ip, 174 source.principal, 201 context.reporter.kind, 155 destination.namespace
    assert.ok(shown(precondition?.referencedAttributes).includes("3 EXACT"));
    assert.deepEqual(shown(quotas.rate?.referencedAttributes).sort(), [
      "0 ABSENCE",
      "155 EXACT",
      "174 ABSENCE",
      "201 ABSENCE",
      "3 EXACT",
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
