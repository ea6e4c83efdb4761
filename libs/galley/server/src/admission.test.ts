import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reviewObject } from "./admission.ts";

describe("the webhook", () => {
  const review = (object: unknown, operation = "CREATE"): unknown => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u", operation, object },
  });
  const good = {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "a" },
    spec: { host: "a" },
  };
  const response = (body: unknown): { allowed?: boolean; uid?: string; status?: { message: string } } =>
    (reviewObject(body).body as { response: object }).response;

  it("admits what is good, and what is deleted", () => {
    assert.deepEqual(response(review(good)), { uid: "u", allowed: true });
    assert.equal(response(review({ ...good, spec: {} }, "DELETE")).allowed, true);
  });

  it("refuses with the same words as everywhere", () => {
    const answer = response(review({ ...good, spec: { hots: "a" } }));
    assert.equal(answer.allowed, false);
    assert.match(
      answer.status?.message ?? "",
      /configuration is invalid: spec\.hots: unknown field; did you mean host\?/,
    );
  });

  it("warns of rules that can never match, and allows them", () => {
    const route = [{ destination: { host: "a" } }];
    const object = {
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "a" } },
      spec: { hosts: ["a"], http: [{ route }, { match: [{ uri: { prefix: "/b" } }], route }] },
    };
    const answer = response(review(object)) as { allowed?: boolean; warnings?: string[] };
    assert.equal(answer.allowed, true);
    assert.equal(answer.warnings?.length, 1);
    assert.match(answer.warnings[0] ?? "", /^spec\.http\[1\]: is never used/);
    assert.equal("warnings" in response(review(good)), false);
  });

  for (const body of [
    undefined,
    {},
    [],
    { kind: "AdmissionReview" },
    { ...(review(good) as object), apiVersion: "x" },
    review(null),
  ])
    it(`refuses ${JSON.stringify(body)?.slice(0, 60)}`, () => assert.equal(response(body).allowed, false));
});
