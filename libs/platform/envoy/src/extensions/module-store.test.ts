import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { tempDir } from "@xebec/testing-launch";
import { createModuleStore } from "./module-store.ts";
import type { RemotePlugin } from "./plugin-messages.ts";

const module = (text: string): Buffer => Buffer.concat([Buffer.from("\0asm"), Buffer.from(text)]);
const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const plugin = (url: string, more: Partial<RemotePlugin> = {}): RemotePlugin => ({
  ...{ type: "http", url, sha256: "", pullPolicy: "", revision: "1", isOpen: false },
  ...more,
});

function openStore(folder: string) {
  const served = new Map<string, Buffer>([["https://a/m", module("one")]]);
  let fetches = 0;
  const store = createModuleStore(folder, async ({ url }) => {
    fetches++;
    const bytes = served.get(url);
    if (!bytes) throw new Error("not there");
    return { bytes };
  });
  const text = async (each: RemotePlugin): Promise<string> =>
    readFileSync(await store.file(each))
      .subarray(4)
      .toString();
  return { store, served, text, fetches: () => fetches };
}

describe("the store of modules", () => {
  it("fetches what is not there, once for those that ask at the same time, and for its owner alone", async () => {
    using folder = tempDir();
    const { store, fetches } = openStore(folder.file("modules"));
    const [path = "", other] = await Promise.all([
      store.file(plugin("https://a/m")),
      store.file(plugin("https://a/m")),
    ]);
    assert.deepEqual([path === other, fetches()], [true, 1]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(folder.file("modules")).mode & 0o777, 0o700);
  });

  it("fetches again by the pull policy and the tag of the image", async () => {
    using folder = tempDir();
    const { served, text } = openStore(folder.path);
    assert.equal(await text(plugin("https://a/m")), "one");
    served.set("https://a/m", module("two"));
    assert.equal(await text(plugin("https://a/m", { revision: "2" })), "one");
    assert.equal(await text(plugin("https://a/m", { revision: "2", pullPolicy: "Always" })), "two");
    served.set("https://a/m", module("three"));
    assert.equal(await text(plugin("https://a/m", { revision: "2", pullPolicy: "Always" })), "two");
    for (const [url, after] of [
      ["oci://r/m", "new"],
      ["oci://r:5000/m:latest", "new"],
      ["oci://r/m:1", "old"],
      ["oci://r/m@sha256:00", "old"],
    ] as const) {
      served.set(url, module("old"));
      await text(plugin(url));
      served.set(url, module("new"));
      assert.equal(await text(plugin(url, { revision: "2" })), after, url);
    }
  });

  it("finds what an earlier agent fetched, also when it cannot be had any more", async () => {
    using folder = tempDir();
    await openStore(folder.path).text(plugin("https://a/m"));
    const { served, text, fetches } = openStore(folder.path);
    served.clear();
    assert.equal(await text(plugin("https://a/m", { sha256: hash(module("one")) })), "one");
    assert.equal(fetches(), 0);
  });

  it("refuses another module, and what is none; takes a compressed one", async () => {
    using folder = tempDir();
    const { served, text } = openStore(folder.path);
    await assert.rejects(
      text(plugin("https://a/m", { sha256: "0".repeat(64) })),
      /has the sha256 [0-9a-f]{64}, not 0{64}/,
    );
    served.set("https://a/text", Buffer.from("text"));
    await assert.rejects(text(plugin("https://a/text")), /is not a WebAssembly module/);
    served.set("https://a/bad.gz", Buffer.from([0x1f, 0x8b, 1]));
    await assert.rejects(text(plugin("https://a/bad.gz")), /cannot be decompressed/);
    served.set("https://a/gz", gzipSync(module("small")));
    assert.equal(await text(plugin("https://a/gz")), "small");
  });

  it("removes what no plugin uses", async () => {
    using folder = tempDir();
    const { store, served } = openStore(folder.path);
    served.set("https://a/n", module("n"));
    const kept = await store.file(plugin("https://a/m"));
    await store.file(plugin("https://a/n"));
    await store.removeUnused((path) => path === kept);
    assert.deepEqual(
      readdirSync(folder.path).map((name) => folder.file(name)),
      [kept],
    );
  });
});
