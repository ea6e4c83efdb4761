import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { createTestCa, tempDir } from "@xebec/testing-launch";
import { fileTls, loadOrCreateTokenKey } from "./index.ts";

test("a key pair from files is rotated live, and half of a rotation changes nothing", async (t) => {
  using folder = tempDir();
  const ca = createTestCa();
  const [one, two] = [ca.issue({ dns: ["one"] }), ca.issue({ dns: ["two"] })];
  const [cert, key] = [folder.file("tls.crt"), folder.file("tls.key")];
  assert.equal(fileTls(cert, undefined), undefined);
  writeFileSync(cert, one.cert);
  const tls = fileTls(cert, key, undefined, 10);
  assert.ok(tls);
  await assert.rejects(tls.start(new AbortController().signal), /tls\.key cannot be read/);
  writeFileSync(key, one.key);
  await tls.start(new AbortController().signal);
  const changes: string[] = [];
  tls.onChange(() => changes.push(tls.current().cert));
  writeFileSync(cert, two.cert);
  // The key of the old pair again, three times: each look finds a pair that does not fit.
  const refused = t.mock.method(logger("identity"), "warn", () => undefined).mock;
  for (let i = 0; i < 3; i++) {
    writeFileSync(key, one.key);
    // The first may have begun before the file was written.
    const looks = refused.callCount() + 2;
    await waitFor("a look at it", 2_000, () => refused.callCount() >= looks);
    assert.equal(tls.current().cert, one.cert);
  }
  writeFileSync(key, two.key);
  await waitFor("the new pair", 2_000, () => changes.length > 0);
  assert.deepEqual(changes, [two.cert]);
  assert.equal(tls.current().key, two.key);
  await tls.close?.();
});

test("a certificate out of its time keeps its server from being ready, and is reported", async () => {
  using folder = tempDir();
  const ca = createTestCa();
  const [cert, key] = [folder.file("tls.crt"), folder.file("tls.key")];
  const hour = 3_600_000;
  for (const [names, why] of [
    [{ notBefore: Date.now() + hour }, [/is not valid before /]],
    [{ notBefore: Date.now() - 2 * hour, validMs: hour }, [/has expired at /]],
    [{}, []],
  ] as const) {
    const pair = ca.issue({ dns: ["one"], ...names });
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
    const tls = fileTls(cert, key);
    await tls?.start(new AbortController().signal);
    const missing = tls?.missing?.() ?? [];
    assert.equal(missing.length, why.length, missing.join());
    for (const each of why) assert.match(missing[0] ?? "", each);
    await tls?.close?.();
  }
});

test("the token key is made once, also by several at the same time", async () => {
  using folder = tempDir();
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateTokenKey(folder.file("a/b"))));
  for (const key of keys) assert.ok(key.equals(await loadOrCreateTokenKey(folder.file("a/b"))));
  assert.equal(statSync(folder.file("a/b/token-key.pem")).mode & 0o777, 0o600);
  writeFileSync(folder.file("token-key.pem"), "something else");
  await assert.rejects(loadOrCreateTokenKey(folder.path), { code: "failed_precondition" });
});
