import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateKey, privateKeyPem, publicKeyDer } from "@xebec/model-pki";
import { tempDir } from "@xebec/testing-launch";
import { makeRoot } from "./citadel.testkit.ts";
import { mismatch } from "./expected-identity.ts";
import { loadIdentity, type StoredIdentity, saveIdentity } from "./identity-store.ts";

const MINUTE = 60_000;
const now = Date.now();
const root = makeRoot();
const key = generateKey("P-256");
const issue = (notBefore: number, notAfter: number): string =>
  root.issuer.issue({
    ...{ publicKey: publicKeyDer(key), names: { uris: ["spiffe://cluster.local/ns/default/sa/a"] } },
    ...{ notBefore, notAfter },
  });
const good: StoredIdentity = {
  ...{ key: privateKeyPem(key), cert: issue(now - MINUTE, now + 10 * MINUTE), roots: root.certificate },
  ...{ issuedAt: now, notAfter: now + 10 * MINUTE },
};

describe("an identity on disk", () => {
  it("serves the next process", async () => {
    using folder = tempDir();
    assert.deepEqual(await loadIdentity(folder.path, now), {});
    await saveIdentity(folder.path, good);
    const { identity, roots } = await loadIdentity(folder.path, now);
    assert.deepEqual([identity, roots], [{ ...good, notAfter: identity?.notAfter }, good.roots]);
    assert.ok((await loadIdentity(folder.path, now - 10_000)).identity, "a clock may be a little late");
  });

  for (const [what, more] of [
    ["whose certificate begins in the future", { cert: issue(now + MINUTE, now + 10 * MINUTE) }],
    ["that was made in the future", { issuedAt: now + 2 * MINUTE }],
    ["that does not say when it was made", { issuedAt: undefined }],
    ["with the key of another", { key: privateKeyPem(generateKey("P-256")) }],
    ["without roots", { roots: undefined }],
    ["with roots that are none", { roots: "x" }],
    ["without a key", { key: undefined }],
  ] as const)
    it(`${what} is not taken`, async () => {
      using folder = tempDir();
      await saveIdentity(folder.path, { ...good, ...more } as StoredIdentity);
      assert.deepEqual(await loadIdentity(folder.path, now), {});
    });

  it("gives its roots also when its certificate has ended", async () => {
    using folder = tempDir();
    await saveIdentity(folder.path, { ...good, cert: issue(now - 2 * MINUTE, now - MINUTE) });
    assert.deepEqual(await loadIdentity(folder.path, now), { roots: good.roots });
  });

  it("of somebody else is not taken", async () => {
    using folder = tempDir();
    await saveIdentity(folder.path, good);
    const account = (subject: string) =>
      loadIdentity(folder.path, now, (found) => mismatch(found, { subject: `system:serviceaccount:${subject}` }));
    const called = (spiffeId: string) => loadIdentity(folder.path, now, (found) => mismatch(found, { spiffeId }));
    assert.ok((await account("default:a")).identity);
    assert.deepEqual(await account("default:b"), {});
    assert.deepEqual(await account("prod:a"), {});
    assert.ok((await called("spiffe://cluster.local/ns/default/sa/a")).identity);
    assert.deepEqual(await called("spiffe://other/ns/default/sa/a"), {});
  });
});
