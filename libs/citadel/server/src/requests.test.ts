import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { parseCertificate, signToken } from "@xebec/model-pki";
import { loadOrCreateTokenKey } from "@xebec/platform-identity";
import { tempDir } from "@xebec/testing-launch";
import { clientOf, csrOf, startCitadel } from "./citadel.testkit.ts";

const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });

describe("a certificate request", () => {
  const folder = tempDir();
  const dir = folder.path;
  let citadel: Awaited<ReturnType<typeof startCitadel>>;
  let client: ReturnType<typeof clientOf>;
  before(async () => {
    citadel = await startCitadel(dir, ["--workload-cert-ttl=1h", "--max-workload-cert-ttl=2h"]);
    const signer = await loadOrCreateTokenKey(dir);
    client = clientOf(dir, citadel.port, {
      token: signToken(signer, { namespace: "default", serviceAccount: "reviews" }, 600),
    });
  });
  after(async () => {
    client.close();
    await citadel.close();
    folder[Symbol.dispose]();
  });

  /** A request that OpenSSL makes. @param key the arguments of `openssl genpkey` */
  const made = (key: readonly string[], ...more: string[]): string => {
    const file = folder.file("key.pem");
    openssl("genpkey", "-out", file, ...key);
    return openssl("req", "-new", "-key", file, "-subj", "/O=someone/CN=admin", ...more);
  };
  const rsa = (bits: number): string[] => ["-algorithm", "RSA", "-pkeyopt", `rsa_keygen_bits:${bits}`];
  const curve = (name: string): string[] => ["-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${name}`];

  for (const [name, csr] of [
    ["P-256", () => made(curve("P-256"))],
    ["P-256 with SHA-512", () => made(curve("P-256"), "-sha512")],
    ["P-384 with SHA-384", () => made(curve("P-384"), "-sha384")],
    ["RSA with 2048 bits", () => made(rsa(2_048))],
    ["RSA with 4096 bits", () => made(rsa(4_096))],
  ] as const)
    it(`with ${name} is granted`, async () => {
      const [leaf = ""] = await client.create(csr());
      assert.deepEqual(parseCertificate(leaf).names.uris, ["spiffe://cluster.local/ns/default/sa/reviews"]);
    });

  const broken = (text: string): string => {
    const lines = text.trim().split("\n");
    const body = Buffer.from(lines.slice(1, -1).join(""), "base64");
    body[body.length - 4] = (body.at(-4) ?? 0) ^ 1;
    return `${lines[0]}\n${body.toString("base64")}\n${lines.at(-1)}\n`;
  };
  for (const [name, csr, why] of [
    ["RSA with 1024 bits", () => made(rsa(1_024)), /an RSA key must have 2048 to 4096 bits, not 1024/],
    ["RSA with 5120 bits", () => made(rsa(5_120)), /not 5120/],
    ["P-521", () => made(curve("P-521")), /must be RSA, or EC on the curve P-256 or P-384/],
    ["secp256k1", () => made(curve("secp256k1")), /must be RSA, or EC/],
    ["Ed25519", () => made(["-algorithm", "ED25519"]), /algorithm that is not taken/],
    [
      "P-256 whose parameters are spelt out",
      () => made([...curve("P-256"), "-pkeyopt", "ec_param_enc:explicit"]),
      /must name its curve; explicit parameters are not taken/,
    ],
    ["SHA-1", () => made(rsa(2_048), "-sha1"), /algorithm that is not taken/],
    ["a signature of another key", () => broken(csrOf().csr), /signature of the request does not fit/],
    ["a certificate in its place", () => readFileSync(`${dir}/root-cert.pem`, "utf8"), /CSR signing error/],
    ["nothing", () => "", /CSR signing error/],
    [
      "rubbish in PEM form",
      () => "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
      /CSR signing error/,
    ],
    [
      "too many names",
      () => csrOf("P-256", { dns: Array.from({ length: 101 }, (_, i) => `a${i}`) }).csr,
      /more than 100 subject names/,
    ],
    ["too many characters", () => `${csrOf().csr}${"\n".repeat(17_000)}`, /longer than 16384 characters/],
  ] as const)
    it(`with ${name} is refused`, async () => {
      await assert.rejects(client.create(csr()), (error: Error & { code?: string }) => {
        assert.equal(error.code, "invalid_argument");
        assert.match(error.message, why);
        return true;
      });
    });

  it("that asks to be an authority, or for a name of somebody else, gets neither", async () => {
    const csr = made(
      curve("P-256"),
      ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"],
      ...["-addext", "subjectAltName=URI:spiffe://cluster.local/ns/bank/sa/vault,DNS:istiod.istio-system.svc"],
    );
    const [leaf = ""] = await client.create(csr);
    const { ca, names, x509 } = parseCertificate(leaf);
    assert.equal(ca, false);
    assert.deepEqual(names, { uris: ["spiffe://cluster.local/ns/default/sa/reviews"], dns: [], ips: [] });
    assert.equal(x509.subject, undefined);
    writeFileSync(folder.file("leaf.pem"), leaf);
    const text = openssl("x509", "-noout", "-text", "-in", folder.file("leaf.pem"));
    assert.match(text, /Digital Signature, Key Encipherment/);
    assert.doesNotMatch(text, /Certificate Sign/);
  });

  for (const [asked, granted] of [
    [0, 3_600],
    [-1, 3_600],
    [60, 60],
    [7_200, 7_200],
    [86_400, 7_200],
    [Number.MAX_SAFE_INTEGER, 7_200],
  ] as const)
    it(`for ${asked} seconds is granted ${granted}`, async () => {
      const [leaf = ""] = await client.create(csrOf().csr, asked);
      const { notAfter } = parseCertificate(leaf);
      assert.ok(Math.abs(notAfter - Date.now() - granted * 1_000) < 5_000, new Date(notAfter).toISOString());
    });

  it("is answered with a chain that Node and OpenSSL verify, and a serial number of its own", async () => {
    const root = new X509Certificate(readFileSync(folder.file("root-cert.pem")));
    const serials = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const [leaf = ""] = await client.create(csrOf().csr);
      const certificate = new X509Certificate(leaf);
      assert.ok(certificate.checkIssued(root) && certificate.verify(root.publicKey));
      serials.add(certificate.serialNumber);
      writeFileSync(folder.file("leaf.pem"), leaf);
    }
    assert.equal(serials.size, 20);
    const verified = openssl(
      "verify",
      "-x509_strict",
      "-CAfile",
      folder.file("root-cert.pem"),
      folder.file("leaf.pem"),
    );
    assert.match(verified, /: OK/);
  });
});
