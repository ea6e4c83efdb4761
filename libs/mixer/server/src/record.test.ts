import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { Authorization } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { waitFor } from "@xebec/core-async";
import type { RecordedBag } from "@xebec/mixer-runtime";
import { clientOf } from "@xebec/platform-grpc";
import { createMixerPolicy } from "./mixer-service.ts";
import { authRequest } from "./policy-mesh.testkit.ts";
import { record, recordingLimits } from "./record.ts";
import { redactor } from "./redact.ts";
import { objectsOf, pod, policyAdapters, startMixer } from "./test-mesh.testkit.ts";

const RULES = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: staff, namespace: istio-system}
spec: {compiledAdapter: listchecker, params: {overrides: [ann]}}
---
apiVersion: config.istio.io/v1alpha2
kind: listentry
metadata: {name: user, namespace: istio-system}
spec: {value: 'request.headers["user"] | "nobody"'}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: staff, namespace: istio-system}
spec: {actions: [{handler: staff, instances: [user.listentry]}]}
`;

describe("recordings", () => {
  it("have all attributes of the requests that match, without secrets, and end at their limit", async (t) => {
    const mixer = await startMixer(createMixerPolicy, policyAdapters(), objectsOf(RULES), [
      pod("reviews", "v1", "10.0.0.3"),
    ]);
    t.after(() => mixer.close());
    const client = clientOf(Authorization, mixer.channel);
    const ask = (path: string) =>
      client.check(authRequest("10.0.0.3", path, { user: "ann", authorization: "Bearer abc", cookie: "a=b" }, {}));
    const limits = recordingLimits({ count: 2, match: 'request.path.startsWith("/a")' });
    const got: (RecordedBag & { end?: string })[] = [];
    const lines = await record(mixer.mixer.runtime, limits);
    createInterface({ input: lines }).on("line", (line) => got.push(JSON.parse(line)));
    for (const path of ["/b", "/a?token=abc&x=1", "/b", "/a2", "/a3"]) assert.equal((await ask(path)).status?.code, 0);
    await waitFor("the end", 5_000, () => got.length === 3);
    assert.deepEqual(got[2], { end: "count" });
    assert.deepEqual(
      got.slice(0, 2).map(({ kind, attributes }) => [kind, attributes["request.path"]]),
      [
        ["check", "/a?token=REDACTED&x=1"],
        ["check", "/a2"],
      ],
    );
    const { attributes } = got[0] as RecordedBag;
    assert.deepEqual(attributes["request.headers"], { user: "ann", authorization: "REDACTED", cookie: "REDACTED" });
    assert.equal(attributes["source.ip"], "10.0.0.3");
    assert.deepEqual(attributes["source.labels"], { app: "reviews", version: "v1" });
    // Nobody records any more: only what rules read is read.
    await waitFor(
      "the layout of before",
      5_000,
      () => (mixer.mixer.runtime.snapshot?.layout.find("request.scheme") ?? 0) < 0,
    );
  });

  it("end when they are full, and when their reader goes away; four at a time", async (t) => {
    const mixer = await startMixer(createMixerPolicy, policyAdapters(), objectsOf(RULES));
    t.after(() => mixer.close());
    const client = clientOf(Authorization, mixer.channel);
    const ask = () => client.check(authRequest("10.0.0.3", "/", { user: "ann" }, {}));
    const small = await record(mixer.mixer.runtime, recordingLimits({ bytes: 100 }));
    await ask();
    assert.equal(String((await small.toArray())[0]), '{"end":"bytes"}\n');
    const four = await Promise.all([1, 2, 3, 4].map(() => record(mixer.mixer.runtime, recordingLimits({}))));
    await assert.rejects(record(mixer.mixer.runtime, recordingLimits({})), /4 recordings run already/);
    for (const each of four) each.destroy();
    await waitFor("room", 5_000, async () => {
      try {
        (await record(mixer.mixer.runtime, recordingLimits({}))).destroy();
        return true;
      } catch {
        return false;
      }
    });
    await assert.rejects(record(mixer.mixer.runtime, recordingLimits({ match: "request.path" })), /match: .*BOOL/);
    const short = await record(mixer.mixer.runtime, recordingLimits({ seconds: 0.05 }));
    assert.equal(String((await short.toArray())[0]), '{"end":"seconds"}\n');
  });

  it("have limits that are numbers", () => {
    for (const body of [{ count: 0 }, { count: 1e9 }, { seconds: "1" }, { bytes: -1 }, { match: 1 }, { redact: "x" }])
      assert.throws(() => recordingLimits(body), /must be/, JSON.stringify(body));
  });

  it("leave out what their reader names", () => {
    const clean = redactor(["X-Mine", "source.principal"]);
    assert.deepEqual(
      clean({
        "source.principal": "spiffe://me",
        "request.headers": { "x-mine": "1", "X-Api-Key": "2", other: "3", referer: "http://a/?code=1" },
        "request.query_params": { Password: "p", page: "2" },
        "request.auth.raw_claims": "{}",
        "request.size": 3,
      }),
      {
        "source.principal": "REDACTED",
        "request.headers": {
          "x-mine": "REDACTED",
          "X-Api-Key": "REDACTED",
          other: "3",
          referer: "http://a/?code=REDACTED",
        },
        "request.query_params": { Password: "REDACTED", page: "2" },
        "request.auth.raw_claims": "REDACTED",
        "request.size": 3,
      },
    );
  });
});
