import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { busTlsOf, createNatsBus } from "@xebec/platform-bus";
import { startNatsServer, tempDir } from "@xebec/testing-launch";
import { busCertificate } from "./bus-certificate.ts";

test("nats-server speaks TLS with it, clients verify it, and it stays until it is damaged or for another address", async () => {
  using folder = tempDir();
  const { certFile, keyFile, caFile } = await busCertificate(folder.path, "127.0.0.1");
  assert.deepEqual([statSync(keyFile).mode & 0o777, statSync(folder.file("ca-key.pem")).mode & 0o777], [0o600, 0o600]);
  await using server = await startNatsServer({ config: `tls { cert_file: "${certFile}", key_file: "${keyFile}" }` });
  const servers = [`nats://${server.address}`];
  const bus = createNatsBus({ servers, name: "test", tls: busTlsOf(servers, caFile) });
  await bus.start(new AbortController().signal);
  await waitFor("the bus", 20_000, () => bus.connected);
  await bus.close?.();

  const [cert, ca] = [certFile, caFile].map((each) => readFileSync(each, "utf8"));
  await busCertificate(folder.path, "127.0.0.1");
  assert.deepEqual([readFileSync(certFile, "utf8"), readFileSync(caFile, "utf8")], [cert, ca], "both stay");
  await busCertificate(folder.path, "127.0.0.2");
  assert.notEqual(readFileSync(certFile, "utf8"), cert);
  assert.equal(readFileSync(caFile, "utf8"), ca, "clients that run trust the next one, too");
  writeFileSync(caFile, "damaged");
  await busCertificate(folder.path, "127.0.0.2");
  assert.notEqual(readFileSync(caFile, "utf8"), ca);
});
