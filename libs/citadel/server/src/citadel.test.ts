import assert from "node:assert/strict";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { IstioCAService } from "@xebec/api-mesh/istio/v1/auth/ca_service";
import { waitFor } from "@xebec/core-async";
import { generateKey, parseCertificate, signToken } from "@xebec/model-pki";
import { createRevisionReader } from "@xebec/platform-bus";
import { createGrpcClient } from "@xebec/platform-grpc";
import { createWorkloadIdentity, loadOrCreateTokenKey } from "@xebec/platform-identity";
import { tempDir } from "@xebec/testing-launch";
import { type Credentials, clientOf, csrOf, NEVER, startCitadel } from "./citadel.testkit.ts";
import type { TrustRecord } from "./index.ts";

test("whatever a request asks for, the authenticated identity is signed", async () => {
  using folder = tempDir();
  const dir = folder.path;
  await using citadel = await startCitadel(dir);
  const signer = await loadOrCreateTokenKey(dir);
  const token = signToken(signer, { namespace: "default", serviceAccount: "reviews" }, 600);
  using client = clientOf(dir, citadel.port, { token });
  const names = { uris: ["spiffe://cluster.local/ns/bank/sa/vault"], dns: ["istio-pilot.istio-system.svc"] };
  for (const keyType of ["P-256", "RSA-2048"] as const) {
    const [leaf = "", roots] = await client.create(csrOf(keyType, names).csr, 60);
    assert.equal(roots, readFileSync(join(dir, "root-cert.pem"), "utf8"));
    const info = parseCertificate(leaf);
    assert.deepEqual(info.names, { uris: ["spiffe://cluster.local/ns/default/sa/reviews"], dns: [], ips: [] });
    assert.ok(info.x509.verify(parseCertificate(roots).x509.publicKey));
    assert.ok(Math.abs(info.notAfter - Date.now() - 60_000) < 5_000);
  }
  const pilot = signToken(signer, { namespace: "istio-system", serviceAccount: "istio-pilot-service-account" }, 600);
  using service = clientOf(dir, citadel.port, { token: pilot });
  const dns = ["istio-pilot.istio-system.svc", "istio-galley.istio-system.svc", "example.com"];
  const [leaf = ""] = await service.create(csrOf("P-256", { dns, ips: ["127.0.0.9", "10.0.0.1"] }).csr);
  assert.deepEqual(parseCertificate(leaf).names, {
    uris: ["spiffe://cluster.local/ns/istio-system/sa/istio-pilot-service-account"],
    dns: ["istio-pilot.istio-system.svc"],
    ips: ["127.0.0.9"],
  });
});

test("callers without proof, with a foreign token, or with rubbish get the reason", async () => {
  using folder = tempDir();
  const dir = folder.path;
  await using citadel = await startCitadel(dir);
  const call = async (credentials: Credentials, csr = csrOf().csr) => {
    using client = clientOf(dir, citadel.port, credentials);
    return await client.create(csr);
  };
  const subject = { namespace: "default", serviceAccount: "a" };
  const good = signToken(await loadOrCreateTokenKey(dir), subject, 600);
  await assert.rejects(call({}), { code: "unauthenticated", message: /no client certificate is presented; no bearer/ });
  const foreign = signToken(generateKey("P-256"), subject, 600);
  await assert.rejects(call({ token: foreign }), { code: "unauthenticated", message: /not known here/ });
  await assert.rejects(call({ token: good }, "rubbish"), { code: "invalid_argument", message: /CSR signing error/ });
  await assert.rejects(call({ token: good }, "x".repeat(20_000)), { code: "invalid_argument", message: /longer/ });
  const text = await citadel.metrics.registry.metrics();
  assert.match(text, /citadel_server_authentication_failure_count 2/);
  assert.match(text, /citadel_server_csr_parsing_err_count 2/);
});

test("the legacy service signs too, and needs a name in the request", async () => {
  using folder = tempDir();
  await using citadel = await startCitadel(folder.path);
  const token = signToken(await loadOrCreateTokenKey(folder.path), { namespace: "vm", serviceAccount: "node" }, 600);
  const ca = readFileSync(folder.file("root-cert.pem"), "utf8");
  const client = createGrpcClient({
    descriptor: IstioCAService,
    address: { host: "127.0.0.1", port: citadel.port },
    tls: { current: () => ({ ca }), onChange: () => () => undefined },
  });
  const call = (names: object) =>
    client.handleCSR(
      { csrPem: Buffer.from(csrOf("P-256", names).csr), requestedTtlMinutes: 5 },
      { metadata: { authorization: `Bearer ${token}` } },
    );
  await assert.rejects(call({}), { code: "invalid_argument", message: /identity extraction/ });
  const answer = await call({ uris: ["spiffe://x/ns/y/sa/z"] });
  assert.equal(answer.isApproved, true);
  assert.equal(answer.certChain.length, 0);
  const { names } = parseCertificate(Buffer.from(answer.signedCert).toString());
  assert.deepEqual(names.uris, ["spiffe://cluster.local/ns/vm/sa/node"]);
  client.close();
});

test("a certificate proves who asks for the next one, until its serial number is revoked", async () => {
  using folder = tempDir();
  const dir = folder.path;
  await using citadel = await startCitadel(dir);
  const reader = createRevisionReader({ bus: citadel.bus, bucket: "trust", apply: () => undefined });
  await reader.start(NEVER);
  const token = signToken(await loadOrCreateTokenKey(dir), { namespace: "default", serviceAccount: "a" }, 600);
  const { csr, key } = csrOf();
  using first = clientOf(dir, citadel.port, { token });
  const [cert = ""] = await first.create(csr);
  const { serial } = parseCertificate(cert);
  using second = clientOf(dir, citadel.port, { cert, key });
  const [next = ""] = await second.create(csrOf().csr);
  assert.deepEqual(parseCertificate(next).names.uris, ["spiffe://cluster.local/ns/default/sa/a"]);
  const trust = (): TrustRecord => JSON.parse(Buffer.from(reader.entries().get("mesh") ?? "{}").toString());
  await waitFor("the roots on the bus", 2_000, () => trust().roots?.length === 1);
  assert.deepEqual(trust().revoked, []);
  appendFileSync(join(dir, "revoked-serials"), `# lost\n${serial.toLowerCase()}\n`);
  await waitFor("the serial number on the bus", 5_000, () => trust().revoked.includes(serial));
  // Neither a connection that was open before nor a new one.
  await assert.rejects(second.create(csrOf().csr), { code: "unauthenticated", message: /revoked/ });
  using third = clientOf(dir, citadel.port, { cert, key });
  await assert.rejects(third.create(csrOf().csr), { code: "unavailable" });
  await reader.close?.();
});

test("a certificate is not proof any more when it ends, also on a connection that is open", async () => {
  using folder = tempDir();
  const dir = folder.path;
  await using citadel = await startCitadel(dir);
  const token = signToken(await loadOrCreateTokenKey(dir), { namespace: "default", serviceAccount: "a" }, 600);
  const { csr, key } = csrOf();
  using first = clientOf(dir, citadel.port, { token });
  const [cert = ""] = await first.create(csr, 2);
  using second = clientOf(dir, citadel.port, { cert, key });
  await second.create(csrOf().csr);
  const { notAfter } = parseCertificate(cert);
  await waitFor("the end of the certificate", 5_000, () => Date.now() >= notAfter);
  await assert.rejects(second.create(csrOf().csr), { code: "unauthenticated", message: /has expired/ });
});

test("an identity waits for citadel, renews itself, and serves after a restart while citadel is away", async () => {
  using folder = tempDir();
  const dir = folder.path;
  const tokenFile = folder.file("token");
  const caRootFile = folder.file("root-cert.pem");
  let citadel = await startCitadel(dir);
  const { port } = citadel;
  await citadel.close();
  const make = () =>
    createWorkloadIdentity({
      ...{ caAddress: `127.0.0.1:${port}`, caRootFile, tokenFile, ttlMs: 4_000, storeDir: folder.file("identity") },
    });
  const identity = make();
  await identity.start(NEVER);
  await waitFor("a reason", 2_000, () => identity.missing?.()[0]?.includes("token"));
  assert.match(identity.current().cert, /BEGIN CERTIFICATE/);
  const subject = { namespace: "default", serviceAccount: "a" };
  writeFileSync(tokenFile, signToken(await loadOrCreateTokenKey(dir), subject, 600));
  citadel = await startCitadel(dir, [], port);
  await waitFor("an identity", 8_000, () => identity.missing?.().length === 0);
  const first = identity.current().cert;
  // From now on the certificate itself is the proof.
  rmSync(tokenFile);
  await waitFor("a renewal", 8_000, () => identity.current().cert !== first);
  assert.deepEqual(parseCertificate(identity.current().cert).names.uris, ["spiffe://cluster.local/ns/default/sa/a"]);
  await identity.close?.();
  await citadel.close();
  const again = make();
  await again.start(NEVER);
  assert.equal(again.current().cert, identity.current().cert);
  assert.deepEqual(again.missing?.(), []);
  await again.close?.();
});

test("an identity and citadel's own certificate are made anew when the clock is set back by an hour", async (t) => {
  using folder = tempDir();
  const dir = folder.path;
  const tokenFile = folder.file("token");
  const real = Date.now;
  let offset = 0;
  t.mock.method(Date, "now", () => real() + offset);
  const citadel = await startCitadel(dir);
  const subject = { namespace: "default", serviceAccount: "a" };
  const writeToken = async (): Promise<void> =>
    writeFileSync(tokenFile, signToken(await loadOrCreateTokenKey(dir), subject, 600));
  await writeToken();
  const identity = createWorkloadIdentity({
    ...{ caAddress: `127.0.0.1:${citadel.port}`, caRootFile: join(dir, "root-cert.pem"), tokenFile },
  });
  await identity.start(NEVER);
  await waitFor("an identity", 8_000, () => identity.missing?.().length === 0);
  const before = parseCertificate(identity.current().cert);
  offset = -3_600_000;
  await writeToken();
  const after = await waitFor("a certificate that is valid by the new time", 8_000, () => {
    const now = parseCertificate(identity.current().cert);
    return now.notBefore < Date.now() ? now : undefined;
  });
  assert.notEqual(after.serial, before.serial);
  assert.ok(before.notBefore > Date.now(), "the old one is from the future");
  assert.ok(
    parseCertificate(readFileSync(join(dir, "root-cert.pem"), "utf8")).notBefore < Date.now(),
    "the root is valid",
  );
  await identity.close?.();
  await citadel.close();
});
