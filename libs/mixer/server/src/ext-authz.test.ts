import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Authorization, CheckRequestSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { clientOf } from "@xebec/platform-grpc";
import { authRequest, inbound, withMixer } from "./policy-mesh.testkit.ts";

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
