import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { LONGEST_JWKS, readJwks } from "./jwks.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const okp = generateKeyPairSync("ed25519");
const jwk = (key: typeof rsa.publicKey, more: object = {}) => ({ ...key.export({ format: "jwk" }), ...more });
const set = (...keys: unknown[]): string => JSON.stringify({ keys });

describe("a key set", () => {
  it("keeps keys of every type that tokens are signed with, in their order", () => {
    const keys = [
      jwk(rsa.publicKey, { kid: "a" }),
      jwk(ec.publicKey),
      jwk(okp.publicKey),
      { kty: "oct", k: "c2VjcmV0" },
    ];
    assert.deepEqual(
      JSON.parse(readJwks(set(...keys))).keys.map((each: { kty: string }) => each.kty),
      ["RSA", "EC", "OKP", "oct"],
    );
  });

  it("hands on nothing of a private key, and no certificates", () => {
    const { keys } = JSON.parse(readJwks(set({ ...ec.privateKey.export({ format: "jwk" }), x5c: ["AAAA"], kid: "k" })));
    assert.deepEqual(Object.keys(keys[0]).sort(), ["crv", "kid", "kty", "x", "y"]);
  });

  it("leaves out what cannot be used beside what can", () => {
    const text = set({ kty: "new" }, null, jwk(rsa.publicKey, { use: "enc" }), jwk(ec.publicKey));
    assert.equal(JSON.parse(readJwks(text)).keys.length, 1);
  });

  for (const [text, why] of [
    ["", /is not JSON/],
    ["<html>secret</html>", /the key set is not JSON$/],
    ["[]", /is not JSON object/],
    [JSON.stringify(jwk(ec.publicKey)), /has no list "keys"/],
    [set(), /has no usable key/],
    [set({ kty: "RSA", e: "AQAB" }), /has no usable key; keys\[0\]/],
    [set({ kty: "oct" }), /has no "k"/],
    [JSON.stringify({ keys: Array(101).fill(jwk(ec.publicKey)) }), /more than 100 keys/],
    [" ".repeat(LONGEST_JWKS + 1), /is longer than/],
  ] as const)
    it(`is not ${text.trim().slice(0, 40) || "an empty text"}`, () => assert.throws(() => readJwks(text), why));
});
