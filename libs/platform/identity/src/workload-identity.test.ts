import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { parseCertificate } from "@xebec/model-pki";
import { tempDir } from "@xebec/testing-launch";
import { fakeCitadel, makeRoot } from "./citadel.testkit.ts";
import { createWorkloadIdentity } from "./index.ts";

const NEVER = new AbortController().signal;

describe("an identity that citadel signs", () => {
  it("is not taken when it has ended before it came; the next one is asked for with growing pauses", async () => {
    using folder = tempDir();
    await using citadel = await fakeCitadel(folder, { clockMs: -31_000, lifetimeMs: 30_000 });
    const identity = createWorkloadIdentity(citadel.options);
    await identity.start(NEVER);
    await waitFor("some attempts", 5_000, () => citadel.callers.length >= 4);
    assert.equal(identity.identity, undefined);
    assert.match(
      identity.missing?.()[0] ?? "",
      /^no certificate yet: citadel's certificate ended at .* set the clocks/,
    );
    citadel.behaviour.clockMs = 0;
    await waitFor("a certificate", 8_000, () => identity.missing?.().length === 0);
    await identity.close?.();
  });

  it("is asked for at most once a second, however short its life is", async () => {
    using folder = tempDir();
    // X.509 counts seconds, so that these end within the second.
    await using citadel = await fakeCitadel(folder, { lifetimeMs: 1_000 });
    const identity = createWorkloadIdentity(citadel.options);
    const begin = performance.now();
    await identity.start(NEVER);
    let changes = 0;
    identity.onChange(() => changes++);
    await waitFor("the third certificate", 15_000, () => changes >= 3);
    assert.ok(performance.now() - begin >= 2_000);
    await identity.close?.();
  });

  it("is asked for anew, with the token, when a restart finds that of another service account", async () => {
    using folder = tempDir();
    await using citadel = await fakeCitadel(folder);
    const token = (account: string): void => {
      const claims = { sub: `system:serviceaccount:default:${account}` };
      writeFileSync(folder.file("token"), `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`);
    };
    const served = async (options: object = {}): Promise<string | undefined> => {
      const identity = createWorkloadIdentity({ ...citadel.options, ...options });
      await identity.start(NEVER);
      await waitFor("a certificate", 8_000, () => identity.missing?.().length === 0);
      await identity.close?.();
      return identity.identity && parseCertificate(identity.identity.cert).names.uris[0];
    };
    token("a");
    assert.equal(await served(), "spiffe://cluster.local/ns/default/sa/a");
    assert.equal(await served(), "spiffe://cluster.local/ns/default/sa/a");
    assert.equal(citadel.callers.length, 1);
    token("b");
    citadel.behaviour.uri = "spiffe://cluster.local/ns/default/sa/b";
    assert.equal(await served(), citadel.behaviour.uri);
    assert.deepEqual(citadel.callers, [undefined, undefined], "the old certificate is not proof for the new account");
    citadel.behaviour.uri = "spiffe://other/ns/default/sa/b";
    assert.equal(await served({ spiffeId: citadel.behaviour.uri }), citadel.behaviour.uri);
  });

  it("still knows citadel by the roots of a certificate that has ended, when the file is of an older root", async () => {
    using folder = tempDir();
    await using citadel = await fakeCitadel(folder, { lifetimeMs: 1_000 });
    const first = createWorkloadIdentity(citadel.options);
    await first.start(NEVER);
    await waitFor("a certificate", 8_000, () => first.identity);
    await first.close?.();
    const { notAfter = 0 } = first.identity ?? {};
    writeFileSync(citadel.options.caRootFile, makeRoot("older").certificate);
    await waitFor("the end of the certificate", 5_000, () => notAfter < Date.now());
    citadel.behaviour.lifetimeMs = 3_600_000;
    const second = createWorkloadIdentity(citadel.options);
    await second.start(NEVER);
    await waitFor("another certificate", 8_000, () => second.missing?.().length === 0);
    await second.close?.();
  });

  it("has a key of the type that was asked for", async () => {
    using folder = tempDir();
    await using citadel = await fakeCitadel(folder);
    const identity = createWorkloadIdentity({ ...citadel.options, keyType: "P-384" });
    await identity.start(NEVER);
    const { cert } = await waitFor("a certificate", 8_000, () => identity.identity);
    assert.equal(parseCertificate(cert).x509.publicKey.asymmetricKeyDetails?.namedCurve, "secp384r1");
    await identity.close?.();
  });
});
