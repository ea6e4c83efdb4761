import assert from "node:assert/strict";
import { test } from "node:test";
import { kindMatcher } from "./kind-names.ts";

test("kinds are found by the names that kubectl takes, in any case", () => {
  for (const [text, kind] of [
    ["vs", "VirtualService"],
    ["VirtualServices", "VirtualService"],
    ["svc", "Service"],
    ["deploy", "Deployment"],
    ["Deployment", "Deployment"],
    ["sa", "ServiceAccount"],
    ["ns", "Namespace"],
    ["cm", "ConfigMap"],
    ["secrets", "Secret"],
    ["instances", "instance"],
    ["instances", "metric"],
    ["handlers", "prometheus"],
    ["rules", "rule"],
  ] as const)
    assert.equal(kindMatcher(text)(kind), true, `${text} means ${kind}`);
  assert.equal(kindMatcher("svc")("ServiceAccount"), false);
  assert.equal(kindMatcher("instances")("handler"), false);
  assert.equal(kindMatcher("all")("Anything"), true);
});

test("a kind that is not known is reported with those that are", () => {
  assert.throws(() => kindMatcher("pods"), {
    code: "invalid_argument",
    message: /^no kind "pods"; there are virtualservices \(vs\), .*services \(svc\), .*, and all$/,
  });
});
