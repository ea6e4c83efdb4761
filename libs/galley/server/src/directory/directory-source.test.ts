import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMemoryBus } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { publishingDirectory, readDirectory, rule, save } from "../galley.testkit.ts";

describe("a directory", () => {
  it("publishes what changed in a file as one revision", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await readDirectory(folder.path);
    assert.equal(galley.host("a"), "one");
    save(folder.path, "a.yaml", `${rule("a", "two")}---\n${rule("b", "three")}`);
    await waitFor("both objects", 3_000, () => galley.host("a") === "two" && galley.host("b") === "three");
    assert.equal(galley.revisions.at(-1), 2);
    rmSync(join(folder.path, "a.yaml"));
    await waitFor("both are gone", 3_000, () => galley.host("a") === undefined && galley.host("b") === undefined);
    await galley.close();
  });

  it("keeps the last good form of an object that is refused, and takes the others of its file", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await readDirectory(folder.path);
    save(folder.path, "a.yaml", `${rule("a", "one").replace("host:", "hots:")}---\n${rule("b", "two")}`);
    await waitFor("the other object", 3_000, () => galley.host("b") === "two");
    assert.equal(galley.host("a"), "one");
    const [refused] = await waitFor("the refusal", 3_000, () =>
      galley.refused().length > 0 ? galley.refused() : undefined,
    );
    assert.deepEqual([refused?.source, refused?.line], ["a.yaml", 4]);
    assert.match(refused?.message ?? "", /spec\.hots: unknown field; did you mean host\?.*last good version stays/);
    save(folder.path, "a.yaml", rule("a", "three"));
    await waitFor("it is fixed", 3_000, () => galley.host("a") === "three" && galley.refused().length === 0);
    await galley.close();
  });

  for (const [name, content] of [
    ["is not YAML", "kind: [\n"],
    ["is not UTF-8", new Uint8Array([0xff, 0xfe, 0x00, 0x41])],
    ["is larger than 10 MiB", new Uint8Array((10 << 20) + 1).fill(0x20)],
  ] as const)
    it(`withdraws nothing when a file ${name}`, async () => {
      using folder = tempDir();
      save(folder.path, "a.yaml", rule("a", "one"));
      const galley = await readDirectory(folder.path);
      save(folder.path, "a.yaml", content);
      save(folder.path, "b.yaml", rule("b", "two"));
      const [refused] = await waitFor("the refusal", 5_000, () =>
        galley.refused().length > 0 ? galley.refused() : undefined,
      );
      assert.equal(refused?.object, "file/a.yaml");
      await waitFor("another file", 3_000, () => galley.host("b") === "two");
      assert.equal(galley.host("a"), "one");
      await galley.close();
    });

  it("waits before it withdraws the objects of a file that was emptied: it may be saved half-way", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await readDirectory(folder.path);
    writeFileSync(join(folder.path, "a.yaml"), "");
    save(folder.path, "b.yaml", rule("b", "two"));
    await waitFor("the other file", 3_000, () => galley.host("b") === "two");
    writeFileSync(join(folder.path, "a.yaml"), rule("a", "one"));
    save(folder.path, "c.yaml", rule("c", "three"));
    await waitFor("the third file", 3_000, () => galley.host("c") === "three");
    assert.equal(galley.host("a"), "one");
    assert.deepEqual(galley.deleted, [], "the object never went");
    writeFileSync(join(folder.path, "a.yaml"), "");
    await waitFor("it goes when the file stays empty", 3_000, () => galley.host("a") === undefined);
    await galley.close();
  });

  it("uses the first of two files that define an object, and says so", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await readDirectory(folder.path);
    save(folder.path, "b.yaml", rule("a", "two"));
    const [refused] = await waitFor("the clash", 3_000, () =>
      galley.refused().length > 0 ? galley.refused() : undefined,
    );
    assert.match(refused?.message ?? "", /is defined in a\.yaml already/);
    assert.equal(galley.host("a"), "one");
    rmSync(join(folder.path, "a.yaml"));
    await waitFor("the other one counts now", 3_000, () => galley.host("a") === "two");
    await galley.close();
  });

  it("publishes what is in a file as kubectl finds it there, and blames nobody for documents that are empty", async () => {
    using folder = tempDir();
    const bus = createMemoryBus();
    const said = new Set<string>();
    bus.bucket("status").watch({ entry: (each) => void said.add(each), synced: () => {} });
    const virtualService = (name: string, more: string): string =>
      `apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: [h]\n  http:\n  - route: [{destination: {host: h}}]\n${more}`;
    const cors = "    corsPolicy: {allowCredentials: yes}\n";
    const json = JSON.stringify({ apiVersion: "networking.istio.io/v1", kind: "Gateway" });
    const gateway = (name: string): string =>
      `${json.slice(0, -1)},"metadata":{"name":"${name}"},"spec":{"servers":[{"port":{"number":80,"name":"http","protocol":"HTTP"},"hosts":["*"]}]}}`;
    save(folder.path, "a.yaml", `---\n---\n${virtualService("a", cors)}---\n# nothing\n---\n`);
    save(folder.path, "b.json", `${gateway("b")}\n${gateway("c")}`);
    const galley = await publishingDirectory(folder.path, { bus });
    await waitFor("the last object", 5_000, () => galley.held("networking.istio.io/Gateway/default/c"));
    assert.ok(galley.held("networking.istio.io/Gateway/default/b"));
    const spec = galley.held("networking.istio.io/VirtualService/default/a")?.spec as {
      http: { corsPolicy: unknown }[];
    };
    assert.deepEqual(spec.http[0]?.corsPolicy, { allowCredentials: true });
    const last = "galley/networking.istio.io/Gateway/default/c";
    await waitFor("what is said of it", 5_000, () => said.has(last));
    assert.deepEqual(
      [...said].filter((each) => each.includes("file/")),
      [],
    );
    await galley.close();
  });
});
