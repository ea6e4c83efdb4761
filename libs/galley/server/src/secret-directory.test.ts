import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { decodeSecretRecord } from "@xebec/model-pki";
import { createMemoryBus, createRevisionReader } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { secretDirectory } from "./secret-directory.ts";

const NEVER = new AbortController().signal;
const secret = (name: string, data: object, kind = "Secret"): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: "gw" },
    stringData: data,
    data: kind === "ConfigMap" ? data : {},
  });

test("the Secrets of a directory are published as they change, and nothing of them but credentials", async (t) => {
  const folder = tempDir();
  const bus = createMemoryBus();
  const [source] = secretDirectory(folder.path, bus);
  assert.ok(source);
  const reader = createRevisionReader({ bus, bucket: "secrets", apply: () => {} });
  t.after(async () => {
    await source.close?.();
    await reader.close?.();
    folder.remove();
  });
  const published = (): Record<string, readonly string[]> =>
    Object.fromEntries([...reader.entries()].map(([key, bytes]) => [key, Object.keys(decodeSecretRecord(bytes).data)]));
  const becomes = (what: Record<string, readonly string[]>): Promise<unknown> =>
    waitFor(`the bucket has ${JSON.stringify(what)}`, 10_000, () => {
      try {
        assert.deepEqual(published(), what);
        return true;
      } catch {
        return false;
      }
    });
  const write = (name: string, ...documents: string[]): void =>
    writeFileSync(folder.file(name), documents.join("\n---\n"));
  write("a.yaml", secret("web", { cert: "c", key: "k", password: "p" }), secret("login", { password: "p" }));
  write("b.yaml", secret("ca", { "ca.crt": "c", other: "o" }, "ConfigMap"));
  await source.start(NEVER);
  await reader.start(NEVER);
  const both = { "ConfigMap/gw/ca": ["ca.crt"], "Secret/gw/web": ["cert", "key"] };
  await becomes(both);
  assert.deepEqual(source.missing?.(), []);

  // One that is refused, and a file that is cut off, take nothing away.
  write("a.yaml", secret("web", {}).replace('"data":{}', '"data":{"tls.key":"!"}'), secret("more", { cacert: "c" }));
  await becomes({ ...both, "Secret/gw/more": ["cacert"] });
  write("a.yaml", secret("next", { cacert: "c" }), "{ cut");
  await becomes({ ...both, "Secret/gw/more": ["cacert"], "Secret/gw/next": ["cacert"] });
  rmSync(folder.file("a.yaml"));
  await becomes({ "ConfigMap/gw/ca": ["ca.crt"] });
});
