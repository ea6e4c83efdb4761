import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redactText } from "./redact.ts";

/** In each of them the word HUSH is the secret, or a part of it. */
const FORMS: readonly string[] = [
  "http://user:HUSH@host:80/path",
  "https://HUSH@host/",
  "nats://user:a@HUSH@host",
  "a list could not be fetched from http://u:HUSH@lists/ again",
  '{"url":"http://u:HUSH@lists/","msg":"no"}',
  '{"a":{"b":[{"password":"x\\"HUSH"}]}}',
  '{"client_secret":"HUSH","caToken":"HUSH"}',
  '{"headers":{"Authorization":"Bearer HUSH","cookie":"session=HUSH; b=c","set-cookie":"HUSH"}}',
  '{"body":"{\\"access_token\\":\\"HUSH\\"}"}',
  "Authorization: Basic HUSHdXNlcjpwYXNz",
  "proxy-authorization: Digest HUSH",
  "Cookie: a=HUSH; b=HUSH",
  "GET /x?access_token=HUSH&b=1",
  "GET /x?X-Amz-Signature=HUSH",
  "api_key=HUSH",
  "password: HUSH",
  '{"msg":"password: HUSH"}',
  "{ user: me, passwd: HUSH }",
  "--token HUSH and --password=HUSH",
  "bearer HUSH.0123456789",
  `Basic ${Buffer.from("user:HUSH").toString("base64")}`,
  "-----BEGIN EC PRIVATE KEY-----\nHUSH\n-----END EC PRIVATE KEY-----",
  '{"key":"-----BEGIN PRIVATE KEY-----\\nHUSH","a":1}',
  "eyJhbGciOiJSUzI1NiJ9.eyJIVVNIIjoxfQ.HUSH",
];

describe("redaction", () => {
  for (const form of FORMS)
    it(`takes the secret out of ${form.slice(0, 60)}`, () => {
      const out = redactText(form);
      assert.doesNotMatch(out, /HUSH|SFVTSA|VTSA/);
      assert.match(out, /\[redacted\]/);
      assert.equal(redactText(out), out, "twice is as once");
    });

  it("leaves JSON as JSON, and everything else of it as it was", () => {
    for (const form of FORMS.filter((each) => each.startsWith('{"'))) assert.ok(JSON.parse(redactText(form)));
    assert.equal(redactText(FORMS[4] as string), '{"url":"http://[redacted]@lists/","msg":"no"}');
  });

  for (const text of [
    "spec.http[0].match: basic constraints are not met",
    "params.token: is required; write a token",
    "the token has expired: get a new one",
    "mail a@b.c, or see http://host/path?mail=a@b",
    'there is no file "/run/secrets/token"',
    "the bus key /x/pilot.nk cannot be read",
    '{"object":"config.istio.io/rule/default/a","caTokenFile":"/run/token"}',
    "basic authentication and bearer tokens",
  ])
    it(`leaves "${text.slice(0, 60)}" alone`, () => assert.equal(redactText(text), text));

  it("keeps secrets of any letters out of a URL, a header and a field", () => {
    const letters = "abcXYZ019-_.~$!*()";
    for (let i = 1; i < 500; i++) {
      const secret = Array.from(
        { length: 12 + (i % 20) },
        (_, n) => letters[(i * 7919 + n * n * 31 + n * i) % 18],
      ).join("");
      for (const text of [
        JSON.stringify({ url: `http://user:${secret}@host/`, msg: `http://${secret}@host` }),
        JSON.stringify({ token: secret, nested: { authorization: `Bearer ${secret}` } }),
        `error: authorization: Bearer ${secret}`,
        `GET /list?token=${secret}`,
      ])
        assert.ok(!redactText(text).includes(secret), `${text} became ${redactText(text)}`);
    }
  });

  it("takes a long text of any form in time in proportion to it", () => {
    const pieces = [
      "a-",
      "eyJ",
      "x://",
      "token",
      '\\"',
      "basic ",
      "-----BEGIN PRIVATE KEY-----",
      "cookie:",
      "S",
      "token=",
    ];
    for (const piece of pieces) {
      const text = piece.repeat(400_000 / piece.length);
      assert.ok(redactText(text).length > 0); // a form that takes quadratic time would take minutes here
    }
  });
});
