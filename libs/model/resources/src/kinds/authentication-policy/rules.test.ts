import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSpec } from "../../check-spec.testkit.ts";
import { meshPolicy, policy } from "./index.ts";

const jwt = { issuer: "https://a.example.com" };
const paths = (count: number) => Array.from({ length: count }, (_, i) => ({ exact: `/${i}` }));

describe("a Policy of Istio 1.1", () => {
  for (const [spec, said] of [
    [{}, /^ok$/],
    [{ peers: [{ mtls: null }] }, /^ok$/],
    [{ peers: [{ mtls: { mode: "STRICT" } }], origins: [{ jwt }], principalBinding: "USE_ORIGIN" }, /^ok$/],
    [{ targets: [{ name: "web", ports: [{ number: 80 }, { name: "http" }] }] }, /^ok$/],
    [{ targets: [{ name: "web.default" }] }, /targets\[0\]\.name: .*short name/],
    [{ targets: [{ name: "web", ports: [{}] }] }, /ports\[0\]: set one of number and name/],
    [{ peers: [{ jwt }] }, /jwt: .*not supported.*write it in origins/],
    [{ origins: [{}] }, /origins\[0\]\.jwt: is required/],
    [{ origins: [{ jwt: {} }] }, /issuer: is required/],
    [{ origins: [{ jwt }, { jwt }] }, /origins\[1\]\.jwt\.issuer: .*twice/],
    [{ origins: [{ jwt: { ...jwt, jwksUri: "x" } }] }, /jwksUri: is (no|not a) URL/],
    [{ origins: [{ jwt: { ...jwt, jwks: "x" } }] }, /jwks: the key set is not JSON/],
    [
      { origins: [{ jwt: { ...jwt, triggerRules: [{ includedPaths: [{}] }] } }] },
      /set one of exact, prefix, suffix and regex/,
    ],
    [{ origins: [{ jwt: { ...jwt, triggerRules: [{ includedPaths: [{ regex: "(" }] }] } }] }, /regex: /],
    [{ origins: [{ jwt: { ...jwt, triggerRules: [{ includedPaths: paths(101) }] } }] }, /too many trigger rules/],
  ] as const)
    it(`${JSON.stringify(spec).slice(0, 100)}: ${said.source}`, () => assert.match(checkSpec(policy, spec), said));

  it("for the mesh has no targets", () =>
    assert.match(checkSpec(meshPolicy, { targets: [{ name: "web" }] }), /it is for the whole mesh/));
});
