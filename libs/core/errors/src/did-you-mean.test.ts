import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearestName } from "./index.ts";

test("a name that is nearly right leads to the right one", () => {
  for (const [given, known, meant] of [
    ["apiversion", ["apiVersion", "kind"], "apiVersion"],
    ["v1beat1", ["v1alpha3", "v1beta1", "v1"], "v1beta1"],
    ["tagetPort", ["port", "targetPort", "nodePort"], "targetPort"],
    ["hots", ["host", "hosts", "http"], "host"],
    ["retry_on", ["retryOn", "attempts"], "retryOn"],
    ["Deploymnet", ["Deployment", "Service"], "Deployment"],
    ["networking.istio.oi", ["networking.istio.io", "config.istio.io"], "networking.istio.io"],
    ["credentialNames", ["credentialName", "credentialNames"], "credentialNames"],
    ["tcp", ["tls", "http"], undefined],
    ["v2", ["v1"], undefined],
    ["delegate", ["redirect", "fault"], undefined],
    ["", ["a"], undefined],
  ] as const)
    assert.equal(nearestName(given, known), meant, given);
  assert.equal(didYouMean("hots", ["host"]), "; did you mean host?");
  assert.equal(didYouMean("x", ["host"]), "");
});
