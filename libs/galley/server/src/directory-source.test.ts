import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Condition, decodeCondition, decodeResource, type Resource } from "@xebec/model-resources";
import { createConditions, createGenerationReader, createMemoryBus } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { reviewObject } from "./admission.ts";
import { createDirectorySource } from "./directory-source.ts";

const rule = (name: string, host: string): string =>
  `apiVersion: networking.istio.io/v1alpha3\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: {host: ${host}}\n`;

/** A source over a directory of its own, with what it published and said. */
async function source(dir: string, stateDir?: string) {
  const bus = createMemoryBus();
  const signal = new AbortController().signal;
  await bus.start(signal);
  let state: ReadonlyMap<string, Uint8Array> = new Map();
  const generations: number[] = [];
  const reader = createGenerationReader({
    bus,
    bucket: "config",
    apply: (change) => {
      generations.push(change.puts.size + change.deletes.size);
      state = new Map([...[...state].filter(([key]) => !change.deletes.has(key) && !change.first), ...change.puts]);
    },
  });
  const conditions = new Map<string, Condition>();
  const watching = bus.state("status").watch({
    entry: (key, bytes) => (bytes ? conditions.set(key, decodeCondition(bytes)) : conditions.delete(key)),
    synced: () => {},
  });
  const component = createDirectorySource({
    dir,
    bus,
    conditions: createConditions(bus, "galley"),
    ...(stateDir ? { stateDir } : {}),
  });
  await component.start(signal);
  await reader.start(signal);
  await waitFor("the directory is read", 5_000, () => reader.synced);
  return {
    host: (name: string): string | undefined => {
      const bytes = state.get(`networking.istio.io/DestinationRule/default/${name}`);
      return bytes && ((decodeResource(bytes) as Resource<{ host: string }>).spec.host as string);
    },
    generations,
    refused: () => [...conditions.values()].filter((each) => each.state === "rejected"),
    async close() {
      watching.close();
      await component.close?.();
      await reader.close?.();
      await bus.close?.();
    },
  };
}

function save(dir: string, name: string, content: string | Uint8Array): void {
  writeFileSync(join(dir, `.${name}`), content);
  renameSync(join(dir, `.${name}`), join(dir, name));
}

describe("the directory source", () => {
  it("publishes what changed in a file as one generation", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await source(folder.path);
    assert.equal(galley.host("a"), "one");
    save(folder.path, "a.yaml", `${rule("a", "two")}---\n${rule("b", "three")}`);
    await waitFor("both objects", 3_000, () => galley.host("a") === "two" && galley.host("b") === "three");
    assert.equal(galley.generations.at(-1), 2);
    rmSync(join(folder.path, "a.yaml"));
    await waitFor("both are gone", 3_000, () => galley.host("a") === undefined && galley.host("b") === undefined);
    await galley.close();
  });

  it("keeps the last good form of an object that is refused, and takes the others of its file", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await source(folder.path);
    save(folder.path, "a.yaml", `${rule("a", "one").replace("host:", "hots:")}---\n${rule("b", "two")}`);
    await waitFor("the other object", 3_000, () => galley.host("b") === "two");
    assert.equal(galley.host("a"), "one");
    const [refused] = await waitFor("the refusal", 3_000, () =>
      galley.refused().length > 0 ? galley.refused() : undefined,
    );
    assert.deepEqual([refused?.source, refused?.line], ["a.yaml", 4]);
    assert.match(refused?.message ?? "", /spec\.hots: unknown field; did you mean host\?.*last good version stays/);
    save(folder.path, "a.yaml", rule("a", "three"));
    await waitFor("it is mended", 3_000, () => galley.host("a") === "three" && galley.refused().length === 0);
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
      const galley = await source(folder.path);
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
    const galley = await source(folder.path);
    const before = galley.generations.length;
    writeFileSync(join(folder.path, "a.yaml"), "");
    save(folder.path, "b.yaml", rule("b", "two"));
    await waitFor("the other file", 3_000, () => galley.host("b") === "two");
    writeFileSync(join(folder.path, "a.yaml"), rule("a", "one"));
    save(folder.path, "c.yaml", rule("c", "three"));
    await waitFor("the third file", 3_000, () => galley.host("c") === "three");
    assert.equal(galley.host("a"), "one");
    assert.ok(
      galley.generations.slice(before).every((size) => size === 1),
      "the object never went",
    );
    writeFileSync(join(folder.path, "a.yaml"), "");
    await waitFor("it goes when the file stays empty", 3_000, () => galley.host("a") === undefined);
    await galley.close();
  });

  it("uses the first of two files that define an object, and says so", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await source(folder.path);
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

  it("starts with the last good form of a file that is broken meanwhile", async () => {
    using folder = tempDir();
    const dir = folder.file("config");
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "one"));
    const first = await source(dir, folder.file("state"));
    save(dir, "a.yaml", rule("a", "two"));
    await waitFor("the change", 3_000, () => first.host("a") === "two");
    await first.close();
    save(dir, "a.yaml", "kind: [\n");
    const second = await source(dir, folder.file("state"));
    assert.equal(second.host("a"), "two");
    await second.close();
  });
});

describe("the webhook", () => {
  const review = (object: unknown, operation = "CREATE"): unknown => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u", operation, object },
  });
  const good = {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "a" },
    spec: { host: "a" },
  };
  const response = (body: unknown): { allowed?: boolean; uid?: string; status?: { message: string } } =>
    (reviewObject(body) as { response: object }).response;

  it("admits what is good, and what is deleted", () => {
    assert.deepEqual(response(review(good)), { uid: "u", allowed: true });
    assert.equal(response(review({ ...good, spec: {} }, "DELETE")).allowed, true);
  });

  it("refuses with the same words as everywhere", () => {
    const answer = response(review({ ...good, spec: { hots: "a" } }));
    assert.equal(answer.allowed, false);
    assert.match(
      answer.status?.message ?? "",
      /configuration is invalid: spec\.hots: unknown field; did you mean host\?/,
    );
  });

  for (const body of [
    undefined,
    {},
    [],
    { kind: "AdmissionReview" },
    { ...(review(good) as object), apiVersion: "x" },
    review(null),
  ])
    it(`refuses ${JSON.stringify(body)?.slice(0, 60)}`, () => assert.equal(response(body).allowed, false));
});
