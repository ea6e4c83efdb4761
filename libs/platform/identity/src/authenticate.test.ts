import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { describe, it } from "node:test";
import { generateKey, signToken, TOKEN_AUDIENCE, TOKEN_ISSUER } from "@xebec/model-pki";
import type { CallContext } from "@xebec/platform-grpc";
import { type AuthenticatorOptions, createAuthenticator } from "./authenticate.ts";

const KEY = generateKey("P-256");
const KEYS = [createPublicKey(KEY)];
const NOW = 1_800_000_000;
const CLAIMS = {
  ...{ iss: TOKEN_ISSUER, aud: [TOKEN_AUDIENCE], sub: "system:serviceaccount:default:reviews" },
  ...{ iat: NOW, exp: NOW + 600 },
};
const REVIEWS = { trustDomain: "cluster.local", namespace: "default", serviceAccount: "reviews" };

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token with any claims, signed as it should be. */
function tokenOf(claims: object, key: KeyObject = KEY, alg = "ES256"): string {
  const text = `${part({ alg, typ: "JWT" })}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

interface Call {
  readonly authorization?: string;
  readonly identity?: string;
  readonly serial?: string;
  /** End of the certificate, milliseconds since 1970; far away by default. */
  readonly notAfter?: number;
}

function authenticator(options: Partial<AuthenticatorOptions> = {}) {
  const check = createAuthenticator({
    ...{
      trustDomain: "cluster.local",
      tokenKeys: () => KEYS,
      withoutKeys: "tokens are not taken here",
      isRevoked: () => false,
    },
    ...options,
  });
  return ({ authorization, identity, serial, notAfter = Number.MAX_SAFE_INTEGER }: Call) =>
    check({
      identity,
      certificate: serial === undefined ? undefined : { serialNumber: serial, notAfter },
      metadata: (name: string) => (name === "authorization" ? authorization : undefined),
    } as unknown as CallContext);
}

const bearer = (token: string): Call => ({ authorization: `Bearer ${token}` });

describe("a caller is authenticated", () => {
  const certificate = { identity: "spiffe://cluster.local/ns/prod/sa/api", serial: "1" };
  it("by a token", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    assert.deepEqual(authenticator()(bearer(tokenOf(CLAIMS))), REVIEWS);
    assert.deepEqual(authenticator()(bearer(tokenOf({ ...CLAIMS, aud: TOKEN_AUDIENCE }))), REVIEWS);
    assert.deepEqual(authenticator()(bearer(signToken(KEY, REVIEWS, 60))), REVIEWS);
    // A clock may be a minute off, and whoever has no `nbf` begins with `iat`.
    assert.deepEqual(authenticator()(bearer(tokenOf({ ...CLAIMS, nbf: NOW + 59, iat: NOW + 59 }))), REVIEWS);
  });

  it("by a certificate, before its token", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    const identity = { trustDomain: "cluster.local", namespace: "prod", serviceAccount: "api" };
    assert.deepEqual(authenticator()({ ...certificate, ...bearer(tokenOf(CLAIMS)) }), identity);
  });

  it("by a token when its certificate is of another trust domain", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    const foreign = { identity: "spiffe://other/ns/prod/sa/api", serial: "1" };
    assert.deepEqual(authenticator()({ ...foreign, ...bearer(tokenOf(CLAIMS)) }), REVIEWS);
    assert.throws(() => authenticator()(foreign), { message: /spiffe:\/\/other.* is not a workload of trust domain/ });
  });

  it("never by a certificate that is revoked, whatever token comes with it", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    const check = authenticator({ isRevoked: (serial) => serial === "1" });
    assert.throws(() => check({ ...certificate, ...bearer(tokenOf(CLAIMS)) }), { message: /is revoked/ });
  });

  it("never by a certificate that has ended since its connection began", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    const check = authenticator();
    assert.ok(check({ ...certificate, notAfter: NOW * 1_000 + 1 }));
    for (const notAfter of [NOW * 1_000, Number.NaN])
      assert.throws(() => check({ ...certificate, notAfter }), { code: "unauthenticated", message: /has expired/ });
  });

  it("with a key that comes later", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    let tokenKeys: KeyObject[] = [];
    const check = authenticator({ tokenKeys: () => tokenKeys });
    assert.throws(() => check(bearer(tokenOf(CLAIMS))), { message: /tokens are not taken here/ });
    tokenKeys = [createPublicKey(KEY)];
    assert.deepEqual(check(bearer(tokenOf(CLAIMS))), REVIEWS);
    tokenKeys = [createPublicKey(generateKey("P-256"))];
    assert.throws(() => check(bearer(tokenOf(CLAIMS))), { message: /a key that is not known/ });
  });
});

describe("a caller is refused", () => {
  const other = generateKey("P-256");
  for (const [name, call, why] of [
    ["with nothing", {}, /no client certificate is presented; no bearer token/],
    ["with another scheme", { authorization: "Basic eDp5" }, /no bearer token/],
    ["with rubbish", bearer("x"), /is not a JWT/],
    ["with a token that is too long", bearer(tokenOf({ ...CLAIMS, more: "x".repeat(5_000) })), /is not a JWT/],
    ["with a token of another key", bearer(tokenOf(CLAIMS, other)), /key that is not known/],
    ["with a token of another algorithm", bearer(tokenOf(CLAIMS, KEY, "HS256")), /not signed with ES256/],
    ["with an expired token", bearer(tokenOf({ ...CLAIMS, exp: NOW - 61 })), /has expired/],
    ["with a token from the future", bearer(tokenOf({ ...CLAIMS, iat: NOW + 61 })), /is from the future/],
    ["with a token that is not valid yet", bearer(tokenOf({ ...CLAIMS, nbf: NOW + 61 })), /is not valid yet/],
    ["with a token whose begin is a string", bearer(tokenOf({ ...CLAIMS, nbf: "0" })), /from when on/],
    ["with a token whose begin is nothing", bearer(tokenOf({ ...CLAIMS, nbf: null })), /from when on/],
    ["with a token without end", bearer(tokenOf({ ...CLAIMS, exp: undefined })), /does not say when/],
    ["with a token whose end is a string", bearer(tokenOf({ ...CLAIMS, exp: "9999999999" })), /does not say when/],
    ["with a token of another issuer", bearer(tokenOf({ ...CLAIMS, iss: "x" })), /another issuer/],
    ["with a token for another audience", bearer(tokenOf({ ...CLAIMS, aud: ["vault"] })), /another audience/],
    ["with a token for no audience", bearer(tokenOf({ ...CLAIMS, aud: undefined })), /another audience/],
    ["with a token of a user", bearer(tokenOf({ ...CLAIMS, sub: "alice" })), /names no service account/],
    [
      "with a namespace that would break out of the identity",
      bearer(tokenOf({ ...CLAIMS, sub: "system:serviceaccount:a/ns/b:c" })),
      /names no service account/,
    ],
    [
      "with an empty namespace",
      bearer(tokenOf({ ...CLAIMS, sub: "system:serviceaccount::c" })),
      /names no service account/,
    ],
  ] as const satisfies readonly (readonly [string, Call, RegExp])[])
    it(name, (t) => {
      t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
      assert.throws(
        () => authenticator()(call),
        (error: Error & { code?: string }) =>
          error.code === "unauthenticated" &&
          error.message.startsWith("request authenticate failure: ") &&
          why.test(error.message),
      );
    });

  it("when a token that was taken before has expired", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1_000 });
    const check = authenticator();
    const call = bearer(tokenOf(CLAIMS));
    assert.deepEqual(check(call), REVIEWS);
    t.mock.timers.setTime((NOW + 659) * 1_000);
    assert.deepEqual(check(call), REVIEWS, "a clock may be a minute off");
    t.mock.timers.setTime((NOW + 661) * 1_000);
    assert.throws(() => check(call), { message: /has expired/ });
  });
});
