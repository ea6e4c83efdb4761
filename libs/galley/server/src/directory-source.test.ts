import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { MixerContext } from "@xebec/galley-validate";
import { type Condition, decodeCondition, decodeResource, isObservedKey, type Resource } from "@xebec/model-resources";
import { type Bus, createConditions, createMemoryBus, createRevisionReader } from "@xebec/platform-bus";
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
  const revisions: number[] = [];
  const reader = createRevisionReader({
    bus,
    bucket: "config",
    apply: (change) => {
      revisions.push(change.puts.size + change.deletes.size);
      state = new Map([...[...state].filter(([key]) => !change.deletes.has(key) && !change.first), ...change.puts]);
    },
  });
  const conditions = new Map<string, Condition>();
  const watching = bus.bucket("status").watch({
    entry: (key, bytes) => {
      if (isObservedKey(key)) return;
      if (bytes) conditions.set(key, decodeCondition(bytes));
      else conditions.delete(key);
    },
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
    revisions,
    refused: () => [...conditions.values()].filter((each) => each.status === "False"),
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
  it("publishes what changed in a file as one revision", async () => {
    using folder = tempDir();
    save(folder.path, "a.yaml", rule("a", "one"));
    const galley = await source(folder.path);
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
    const before = galley.revisions.length;
    writeFileSync(join(folder.path, "a.yaml"), "");
    save(folder.path, "b.yaml", rule("b", "two"));
    await waitFor("the other file", 3_000, () => galley.host("b") === "two");
    writeFileSync(join(folder.path, "a.yaml"), rule("a", "one"));
    save(folder.path, "c.yaml", rule("c", "three"));
    await waitFor("the third file", 3_000, () => galley.host("c") === "three");
    assert.equal(galley.host("a"), "one");
    assert.ok(
      galley.revisions.slice(before).every((size) => size === 1),
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

describe("what a directory source keeps over its own end", () => {
  const manifest =
    "apiVersion: config.istio.io/v1alpha2\nkind: attributemanifest\nmetadata: {name: m}\nspec: {attributes: {my.attr: {valueType: STRING}}}\n";
  const match =
    'apiVersion: config.istio.io/v1alpha2\nkind: rule\nmetadata: {name: r}\nspec: {match: my.attr == "x", actions: [{handler: h, instances: [i]}]}\n';
  const never = new AbortController().signal;

  /** A source on a bus that stays, with what the bus holds of it. */
  async function on(bus: Bus, dir: string, stateDir?: string) {
    const component = createDirectorySource({
      dir,
      bus,
      conditions: createConditions(bus, "galley"),
      ...(stateDir ? { stateDir } : {}),
    });
    const reader = createRevisionReader({ bus, bucket: "config", apply: () => {} });
    await component.start(never);
    await reader.start(never);
    const held = (key: string): Resource | undefined => {
      const bytes = reader.entries().get(key);
      return bytes && decodeResource(bytes);
    };
    const close = async (): Promise<void> => void (await Promise.all([component.close?.(), reader.close?.()]));
    return { component, reader, held, close };
  }

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
    const galley = await on(bus, folder.path);
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

  it("takes rules with a manifest's attributes, in whatever order they are read, and so does its webhook", async () => {
    using folder = tempDir();
    save(folder.path, "a-rule.yaml", match);
    save(folder.path, "b-manifest.yaml", manifest);
    const galley = await on(createMemoryBus(), folder.path);
    const key = "config.istio.io/rule/default/r";
    await waitFor("the rule", 5_000, () => galley.held(key));
    const object = {
      apiVersion: "config.istio.io/v1alpha2",
      kind: "rule",
      metadata: { name: "r" },
      spec: { match: 'my.attr == "x"', actions: [{ handler: "h", instances: ["i"] }] },
    };
    const body = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: { uid: "u", operation: "CREATE", object },
    };
    const allowed = (mixer?: MixerContext): unknown =>
      (reviewObject(body, mixer) as { response: { allowed: boolean } }).response.allowed;
    assert.deepEqual([allowed(), allowed(galley.component.mixer())], [false, true]);
    // A manifest that comes later makes a rule good that was refused.
    save(folder.path, "a-rule.yaml", match.replace("my.attr", "your.attr").replace("name: r", "name: s"));
    save(folder.path, "c-manifest.yaml", manifest.replace("name: m", "name: o").replace("my.attr", "your.attr"));
    await waitFor("the other rule", 5_000, () => galley.held("config.istio.io/rule/default/s"));
    await galley.close();
  });

  it("counts an object's generations on, and clears what an earlier run said of objects that are gone", async () => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    const bus = createMemoryBus();
    const key = "networking.istio.io/DestinationRule/default/a";
    const said = new Set<string>();
    bus.bucket("status").watch({
      entry: (each, value) => void (value && !isObservedKey(each) ? said.add(each) : said.delete(each)),
      synced: () => {},
    });
    save(dir, "a.yaml", rule("a", "one"));
    save(dir, "b.yaml", rule("b", "one"));
    const first = await on(bus, dir, state);
    await waitFor("the first form", 5_000, () => first.held(key)?.generation === 1);
    save(dir, "a.yaml", rule("a", "two"));
    await waitFor("the second form", 5_000, () => first.held(key)?.generation === 2);
    await first.close();
    assert.ok(said.has("galley/networking.istio.io/DestinationRule/default/b"));

    rmSync(join(dir, "b.yaml"));
    const second = await on(bus, dir, state);
    await waitFor("the condition is cleared", 5_000, () => said.size === 1);
    assert.equal(second.held(key)?.generation, 2);
    await second.close();
    save(dir, "a.yaml", rule("a", "three"));
    const third = await on(bus, dir, state);
    await waitFor("the third form", 5_000, () => third.held(key)?.generation === 3);
    await third.close();
  });

  it("does not bring back what was deleted when the file comes again and is broken", async () => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "one"));
    save(dir, "b.yaml", rule("b", "one"));
    const bus = createMemoryBus();
    const first = await on(bus, dir, state);
    await waitFor("both", 5_000, () => first.reader.entries().size === 2);
    await first.close();
    rmSync(join(dir, "b.yaml"));
    const second = await on(bus, dir, state);
    await waitFor("the other one", 5_000, () => second.reader.entries().size === 1);
    rmSync(join(dir, "a.yaml"));
    await waitFor("none", 5_000, () => second.reader.entries().size === 0);
    save(dir, "a.yaml", "kind: [\n");
    save(dir, "b.yaml", "kind: [\n");
    save(dir, "c.yaml", rule("c", "one"));
    await waitFor("a third", 5_000, () => second.reader.entries().size > 0);
    assert.deepEqual([...second.reader.entries().keys()], ["networking.istio.io/DestinationRule/default/c"]);
    await second.close();
  });

  it("waits for a directory that is not there, and goes on after a publication that failed", async () => {
    using folder = tempDir();
    const dir = folder.file("later");
    const bus = createMemoryBus();
    const galley = await on(bus, dir);
    await waitFor("it tells", 5_000, () =>
      galley.component.missing?.().some((each) => each.includes("cannot be read")),
    );
    const state = bus.bucket("config");
    const put = state.put.bind(state);
    state.put = () => Promise.reject(new XebecError("permission_denied", "not now"));
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "one"));
    await waitFor("the failure is told", 10_000, () =>
      galley.component.missing?.().some((each) => each.includes("cannot be published: not now")),
    );
    state.put = put;
    await waitFor("it is published", 10_000, () => galley.reader.entries().size === 1);
    assert.deepEqual(galley.component.missing?.(), []);
    await galley.close();
  });

  it("uses nothing of a last good state that is damaged, and says so", async (t) => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "reviews"));
    save(dir, "b.yaml", rule("b", "ratings"));
    const bus = createMemoryBus();
    const first = await on(bus, dir, state);
    await waitFor("both", 5_000, () => first.reader.entries().size === 2);
    await first.close();
    const file = join(state, "last-good.json");
    // It is JSON still, and would bring an object that nobody wrote.
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("reviews", "rev1ews"));
    save(dir, "a.yaml", "apiVersion: [");
    const warned = t.mock.method(logger("source"), "warn").mock;
    const second = await on(createMemoryBus(), dir, state);
    await waitFor("the good file", 5_000, () => second.reader.entries().size === 1);
    assert.ok(!JSON.stringify([...second.reader.entries().values()].map(String)).includes("rev1ews"));
    assert.ok(warned.calls.some((each) => String(each.arguments[1]).startsWith("the last good state is not used")));
    await second.close();
    assert.match(readFileSync(file, "utf8"), /^\{"checksum":/);
  });

  it("ends soon, with its last good state written, when the bus does not take a change", async () => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    const bus: Bus = { ...createMemoryBus(), connected: false };
    const galley = await on(bus, dir, state);
    await waitFor("the directory is read", 5_000, () => galley.reader.synced);
    bus.bucket("config").put = () => new Promise<void>(() => {});
    save(dir, "a.yaml", rule("a", "one"));
    await waitFor(
      "it is written down",
      5_000,
      () =>
        readdirSync(folder.path).includes("state") &&
        readFileSync(join(state, "last-good.json"), "utf8").includes("one"),
    );
    await galley.close();
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

  it("warns of rules that can never match, and allows them", () => {
    const route = [{ destination: { host: "a" } }];
    const object = {
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "a" } },
      spec: { hosts: ["a"], http: [{ route }, { match: [{ uri: { prefix: "/b" } }], route }] },
    };
    const answer = response(review(object)) as { allowed?: boolean; warnings?: string[] };
    assert.equal(answer.allowed, true);
    assert.equal(answer.warnings?.length, 1);
    assert.match(answer.warnings[0] ?? "", /^spec\.http\[1\]: is never used/);
    assert.equal("warnings" in response(review(good)), false);
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
