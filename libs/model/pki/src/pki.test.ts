import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import forge from "node-forge";
import {
  createCsr,
  createIssuer,
  createRoot,
  generateKey,
  joinCertificates,
  KEY_TYPES,
  makeKey,
  parseCertificate,
  parseCsr,
  publicKeyDer,
  signToken,
  splitCertificates,
  verifyToken,
} from "./index.ts";

const HOUR = 3_600_000;
const names = {
  uris: ["spiffe://cluster.local/ns/default/sa/reviews"],
  dns: ["istio-pilot.istio-system.svc"],
  ips: ["127.0.0.1", "2001:db8::17"],
};

for (const keyType of KEY_TYPES)
  test(`${keyType}: request, root and certificate are what OpenSSL and Node read`, () => {
    const now = Date.now();
    const root = createRoot({ keyType, organization: "cluster.local", notBefore: now, notAfter: now + 10 * HOUR });
    const key = generateKey(keyType);
    const csr = createCsr(key, names);
    const request = parseCsr(csr);
    assert.deepEqual(request.names, names);
    assert.deepEqual(request.publicKey, publicKeyDer(key));
    const leaf = createIssuer(root.certificate, root.key).issue({
      ...{ publicKey: request.publicKey, names },
      ...{ notBefore: now - 120_000, notAfter: now + HOUR },
    });
    const info = parseCertificate(leaf);
    assert.ok(info.x509.verify(createPublicKey(root.key)));
    assert.ok(info.x509.checkIssued(new X509Certificate(root.certificate)));
    assert.deepEqual(info.names, names);
    assert.equal(info.ca, false);
    assert.equal(info.notAfter, Math.floor((now + HOUR) / 1_000) * 1_000);
    const folder = mkdtempSync(join(tmpdir(), "pki-"));
    try {
      const file = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const [rootFile, leafFile, csrFile] = [file("root", root.certificate), file("leaf", leaf), file("csr", csr)];
      const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
      assert.match(openssl("verify", "-x509_strict", "-CAfile", rootFile, leafFile), /: OK/);
      openssl("req", "-verify", "-noout", "-in", csrFile);
      const text = openssl("x509", "-noout", "-text", "-in", leafFile);
      assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature, Key Encipherment/);
      assert.match(text, /TLS Web Server Authentication, TLS Web Client Authentication/);
      assert.match(text, /Subject Alternative Name: critical\s+URI:spiffe:\/\/cluster.local\/ns\/default\/sa\/reviews/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

test("a request that another program wrote is read", () => {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const csr = forge.pki.createCertificationRequest();
  csr.publicKey = keys.publicKey;
  csr.setSubject([{ name: "commonName", value: "x" }]);
  csr.setAttributes([
    {
      name: "extensionRequest",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 6, value: "spiffe://a/b" }] }],
    },
  ]);
  csr.sign(keys.privateKey, forge.md.sha256.create());
  assert.deepEqual(parseCsr(forge.pki.certificationRequestToPem(csr)).names.uris, ["spiffe://a/b"]);
});

test("a request that was changed anywhere is refused, and never as an internal error", () => {
  const pem = createCsr(generateKey("P-256"), names);
  const bytes = Buffer.from(pem.split("\n").slice(1, -2).join(""), "base64");
  const refuses = (at: number, flip: number): void => {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ flip;
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    assert.throws(() => parseCsr(text), { code: "invalid_argument" }, `byte ${at}`);
  };
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), refuses));
  // Every place once: chance leaves some out.
  for (let at = 0; at < bytes.length; at++) refuses(at, 1);
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => parseCsr(text), { code: "invalid_argument" });
    }),
  );
});

test("an issuer takes only a CA certificate with its own key", () => {
  const times = { notBefore: Date.now(), notAfter: Date.now() + HOUR };
  const root = createRoot({ keyType: "P-256", organization: "a", ...times });
  assert.throws(() => createIssuer(root.certificate, generateKey("P-256")), /does not belong/);
  const publicKey = publicKeyDer(root.key);
  const leaf = createIssuer(root.certificate, root.key).issue({ publicKey, names, ...times });
  assert.throws(() => createIssuer(leaf, root.key), /not a CA/);
});

test("a bundle keeps each certificate once", () => {
  const times = { notBefore: Date.now(), notAfter: Date.now() + HOUR };
  const [a, b] = ["a", "b"].map((organization) => createRoot({ keyType: "P-256", organization, ...times }).certificate);
  assert.deepEqual(splitCertificates(joinCertificates([`${a}${b}`, `text\n${a}`])), [a, b]);
});

test("tokens: whoever is named, and nothing that was changed, expired or meant for others", () => {
  const key = generateKey("P-256");
  const keys = [createPublicKey(generateKey("P-256")), createPublicKey(key)];
  const subject = { namespace: "default", serviceAccount: "bookinfo-reviews" };
  const now = 1_700_000_000_000;
  const token = signToken(key, subject, 600, now);
  assert.deepEqual(verifyToken(keys, token, now), { ...subject, issuedAt: now / 1_000, expiresAt: now / 1_000 + 600 });
  const refused = (text: string, at: number, why: RegExp): void =>
    assert.throws(
      () => verifyToken(keys, text, at),
      (error: Error & { code?: string }) => error.code === "unauthenticated" && why.test(error.message),
    );
  refused(token, now + 700_000, /expired/);
  refused(token, now - 700_000, /future/);
  refused(signToken(generateKey("P-256"), subject, 600, now), now, /not known/);
  refused(signToken(key, { ...subject, audience: "vault" }, 600, now), now, /another audience/);
  const [header = "", claims = "", signature = ""] = token.split(".");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  refused(`${none}.${claims}.`, now, /not a JWT/);
  refused(`${none}.${claims}.${signature}`, now, /ES256/);
  const other = Buffer.from(Buffer.from(claims, "base64url").toString().replace("default", "payment"));
  refused(`${header}.${other.toString("base64url")}.${signature}`, now, /not known/);
  assert.throws(() => signToken(key, { namespace: "a/ns/b", serviceAccount: "x" }, 1), { code: "invalid_argument" });
});

test("a name beyond ASCII is refused instead of becoming another one", () => {
  const key = generateKey("P-256");
  for (const names of [{ uris: ["spiffe://mesh\u0141/ns/a/sa/b"] }, { dns: ["\u0141.example.com"] }, { dns: ["a b"] }])
    assert.throws(() => createCsr(key, names), {
      code: "invalid_argument",
      message: /cannot be a name in a certificate/,
    });
});

test("keys have the type that was asked for, made at once or beside everything else", async () => {
  for (const [type, details] of [
    ["P-256", { namedCurve: "prime256v1" }],
    ["P-384", { namedCurve: "secp384r1" }],
    ["RSA-2048", { modulusLength: 2_048 }],
  ] as const)
    for (const key of [generateKey(type), await makeKey(type)]) {
      const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
      assert.deepEqual({ namedCurve, modulusLength }, { namedCurve: undefined, modulusLength: undefined, ...details });
      assert.ok(parseCsr(createCsr(key, {})).publicKey.equals(publicKeyDer(key)));
    }
});
