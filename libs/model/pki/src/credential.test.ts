import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import {
  createIssuer,
  createRoot,
  decodeSecretRecord,
  encodeSecretRecord,
  generateKey,
  privateKeyPem,
  publicKeyDer,
  readCredential,
  secretKey,
  secretRecordOf,
} from "./index.ts";

const times = { notBefore: 1_700_000_000_000, notAfter: 1_900_000_000_000 };
const root = createRoot({ keyType: "P-256", organization: "test", ...times });
const key = generateKey("P-256");
const CERT = createIssuer(root.certificate, root.key).issue({
  ...{ publicKey: publicKeyDer(key), names: { dns: ["a.example"] }, ...times },
});
const KEY = privateKeyPem(key);
const OTHER = privateKeyPem(generateKey("P-256"));
const LOCKED = generateKeyPairSync("ec", {
  namedCurve: "prime256v1",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
}).privateKey;
const CRL = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";

const record = (stringData: Record<string, string>, kind: "Secret" | "ConfigMap" = "Secret") => {
  const found = secretRecordOf(
    kind,
    { namespace: "ns", name: "n" },
    kind === "Secret" ? { stringData } : { data: stringData },
  );
  assert.ok(found);
  return found;
};
const pairIn = (data: Record<string, string>): string => {
  const { keyPair } = readCredential(record(data));
  return "problem" in keyPair ? keyPair.problem : keyPair.value.certificateChain.toString();
};
const rootsIn = (data: Record<string, string>): string => {
  const { roots } = readCredential(record(data));
  return "problem" in roots ? roots.problem : `${roots.value.certificates}${roots.value.crl ?? ""}`;
};

describe("the credentials of a Secret", () => {
  for (const [name, data, expected] of [
    ["a Secret of type kubernetes.io/tls", { "tls.crt": CERT, "tls.key": KEY }, CERT],
    ["a generic Secret", { cert: CERT, key: KEY }, CERT],
    ["cert and key before tls.crt and tls.key", { cert: CERT, key: KEY, "tls.crt": "x", "tls.key": "x" }, CERT],
    ["a Secret with one half", { "tls.crt": CERT }, "it has neither tls.crt and tls.key nor cert and key"],
    ["a broken certificate", { cert: "x", key: KEY }, "cert is not a chain of certificates in PEM form"],
    ["a broken key", { cert: CERT, key: "x" }, "key is not a private key in PEM form without a password"],
    ["a key with a password", { cert: CERT, key: LOCKED }, "key is not a private key in PEM form without a password"],
    ["another key", { "tls.crt": CERT, "tls.key": OTHER }, "tls.key is not the key of the certificate in tls.crt"],
  ] as const)
    it(`key pair: ${name}`, () => assert.equal(pairIn(data), expected));

  for (const [name, data, expected] of [
    ["cacert", { cacert: CERT }, CERT],
    ["ca.crt with its list", { "ca.crt": CERT, "ca.crl": CRL }, CERT + CRL],
    ["cacert and crl before ca.crt and ca.crl", { cacert: CERT, crl: CRL, "ca.crt": "x" }, CERT + CRL],
    ["none", { cert: CERT, key: KEY }, "it has neither cacert nor ca.crt"],
    ["a broken bundle", { "ca.crt": "x" }, "ca.crt is not a bundle of certificates in PEM form"],
    ["a broken list", { cacert: CERT, crl: "x" }, "crl is not a list of revoked certificates in PEM form"],
  ] as const)
    it(`authorities: ${name}`, () => assert.equal(rootsIn(data), expected));

  it("say when the certificate is valid", () => {
    const { keyPair } = readCredential(record({ cert: CERT, key: KEY }));
    assert.ok("value" in keyPair);
    assert.deepEqual([keyPair.value.notBefore, keyPair.value.notAfter], [times.notBefore, times.notAfter]);
  });

  it("never have a key in what is wrong with them", () => {
    const bad = KEY.replace("BEGIN EC", "BEGIN  EC");
    const all: Record<string, string>[] = [{ cert: CERT, key: bad }, { cert: bad, key: KEY }, { cacert: KEY }];
    for (const data of all) {
      const { keyPair, roots } = readCredential(record(data));
      assert.doesNotMatch(JSON.stringify([keyPair, roots]), /[A-Za-z0-9+/]{40}/);
    }
  });

  it("take keys that Envoy takes", () => {
    const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const issued = createIssuer(root.certificate, root.key).issue({
      ...{ publicKey: publicKeyDer(small.privateKey), names: { dns: ["a"] }, ...times },
    });
    assert.equal(
      pairIn({ cert: issued, key: small.privateKey.export({ format: "pem", type: "pkcs1" }) as string }),
      "cert: Envoy takes no RSA key below 2048 bits",
    );
  });
});

describe("a Secret as it is published", () => {
  it("has nothing but credentials", () => {
    const { data } = record({ "tls.crt": CERT, password: "hunter2" });
    assert.deepEqual(Object.keys(data), ["tls.crt"]);
    assert.equal(
      secretRecordOf("Secret", { namespace: "ns", name: "n" }, { stringData: { password: "x" } }),
      undefined,
    );
  });

  it("of a ConfigMap has authorities alone", () => {
    const { data } = record({ "ca.crt": CERT, "tls.key": KEY }, "ConfigMap");
    assert.deepEqual(Object.keys(data), ["ca.crt"]);
  });

  it("comes back from its bytes", () => {
    const one = record({ cert: CERT, key: KEY });
    assert.deepEqual(decodeSecretRecord(encodeSecretRecord(one)), one);
    assert.equal(secretKey(one), "Secret/ns/n");
    for (const bytes of ["x", "{}", '{"kind":"Secret","namespace":"a","name":"b","data":{"cert":1}}', "null"])
      assert.throws(() => decodeSecretRecord(Buffer.from(bytes)), /is not a Secret/);
  });

  it("takes base64 as manifests have it, and refuses what is none, without showing it", () => {
    const wrapped = `${Buffer.from(CERT).toString("base64").slice(0, 40)}\n${Buffer.from(CERT).toString("base64").slice(40)}`;
    const where = { namespace: "ns", name: "n" };
    assert.equal(pairOf(secretRecordOf("Secret", where, { data: { "tls.crt": wrapped } })), CERT);
    assert.throws(
      () => secretRecordOf("Secret", where, { data: { "tls.key": "hunter2!" } }),
      (error: Error) => /data\.tls\.key is not base64/.test(error.message) && !error.message.includes("hunter2"),
    );
    const large = { stringData: { "tls.crt": "x".repeat(2 << 20) } };
    assert.throws(() => secretRecordOf("Secret", where, large), /more than 1 MiB/);
  });
});

function pairOf(given: ReturnType<typeof secretRecordOf>): string {
  return Buffer.from(given?.data["tls.crt"] ?? "", "base64").toString();
}
