import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot, privateKeyPem } from "@xebec/model-pki";
import type { TlsMaterial } from "@xebec/platform-grpc";
import { createPublishedTls } from "./published-tls.ts";

function material(isThrowAway: boolean): TlsMaterial {
  const now = Date.now();
  const { certificate, key } = createRoot({
    ...{ keyType: "P-256", organization: "test", notBefore: now, notAfter: now + 86_400_000 },
  });
  return { cert: certificate, key: privateKeyPem(key), ca: certificate, ...(isThrowAway ? { isThrowAway } : {}) };
}

for (const isThrowAway of [true, false])
  test(`the first certificate after ${isThrowAway ? "a throw-away one is served at once" : "another one waits for its root"}`, async () => {
    let now = material(isThrowAway);
    let changed = (): void => undefined;
    const added: string[] = [];
    const tls = createPublishedTls(
      {
        current: () => now,
        onChange(listener) {
          changed = listener;
          return () => undefined;
        },
      },
      { trusts: () => false, add: (roots) => void added.push(...roots), onChange: () => () => undefined },
    );
    await tls.start?.(AbortSignal.timeout(1_000));
    const before = tls.current();
    now = material(false);
    changed();
    assert.equal(tls.current(), isThrowAway ? now : before);
    assert.deepEqual(added, isThrowAway ? [] : [now.ca?.trim()]);
    await tls.close?.();
  });
