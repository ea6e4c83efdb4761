import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { mixerContextOf, STANDARD_CONTEXT } from "@xebec/galley-validate";
import { KINDS, type Resource } from "@xebec/model-resources";
import { createKubeClient, RESOURCES, type ResourceType } from "@xebec/platform-kube";
import { FakeApiServer } from "@xebec/platform-kube/testkit";
import { tempDir } from "@xebec/testing-launch";
import { type ConfigSource, type EarlierContent, NO_CONTENT, type SourceHost } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";
import { ruleKey, ruleObject, save } from "./galley.testkit.ts";
import { typeOf } from "./kubernetes/config-types.ts";
import { createKubernetesSource } from "./kubernetes/kubernetes-source.ts";
import { MemorySource } from "./memory-source.testkit.ts";

/** A source whose content a test changes. To test another source by this contract, add it to `SOURCES`. */
interface SourceUnderTest extends AsyncDisposable {
  readonly source: ConfigSource;
  /** Puts an object into a place of its own, or of the source. */
  put(name: string, object: object): void;
  remove(name: string): void;
  /** The name of the place of an object. */
  place(name: string): string;
  /** The line that errors name; 0 in a source without lines. */
  readonly line: number;
  /** What is there is what there is to read at first. */
  sync(): void;
}

const SOURCES: Readonly<Record<string, () => SourceUnderTest | Promise<SourceUnderTest>>> = {
  "a directory": () => {
    const folder = tempDir();
    return {
      source: createDirectorySource(folder.path),
      put: (name, object) => save(folder.path, `${name}.json`, JSON.stringify(object)),
      remove: (name) => rmSync(folder.file(`${name}.json`)),
      place: (name) => `${name}.json`,
      line: 1,
      sync: () => {},
      [Symbol.asyncDispose]: async () => folder.remove(),
    };
  },
  Kubernetes: () => kubernetesUnderTest(),
  memory: () => {
    const source = new MemorySource();
    return {
      source,
      put: (name, object) => source.put(name, object),
      remove: (name) => source.remove(name),
      place: () => source.name,
      line: 1,
      sync: () => source.sync(),
      [Symbol.asyncDispose]: async () => {},
    };
  },
};

async function kubernetesUnderTest(): Promise<SourceUnderTest> {
  const types = new Map(KINDS.map((kind) => [kind.kind, typeOf(kind, ALL_TYPES) as ResourceType]));
  const server = await FakeApiServer.start([RESOURCES.configMaps, ...types.values()]);
  const client = createKubeClient(server.cluster);
  const typeOfName = new Map<string, ResourceType>();
  return {
    source: createKubernetesSource({ client, rootNamespace: "istio-system", discoveryMs: 10 }),
    put(name, object) {
      const { kind, apiVersion, metadata, ...rest } = object as {
        kind: string;
        apiVersion: string;
        metadata: { name: string };
      };
      const type = types.get(kind) ?? { group: "apps", version: "v1", kind, plural: "deployments" };
      typeOfName.set(name, type);
      server.put(type, { ...rest, metadata: { ...metadata, creationTimestamp: undefined } } as never);
    },
    remove: (name) => server.remove(typeOfName.get(name) as ResourceType, name),
    place: (name) => `DestinationRule default/${name}`,
    line: 0,
    sync: () => {},
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Every kind is installed in all its versions. */
const ALL_TYPES = new Map(KINDS.map(({ group, plural, versions }) => [`${group}/${plural}`, versions]));

const BAD = { hots: "typo" };

/** What a source has, merged; and how often it said that it changed. */
function host(earlier: Partial<EarlierContent> = {}) {
  let changes = 0;
  let rules = { mixer: STANDARD_CONTEXT };
  const created = new Map<string, string>();
  const made: SourceHost = {
    rules: () => rules,
    earlier: {
      ...{ of: () => NO_CONTENT, object: () => undefined },
      ...{ forget: () => {}, settle: () => {} },
      ...earlier,
    },
    createdAt(key, sourceCreated) {
      const time = created.get(key) ?? (sourceCreated ? "at the start" : "later");
      created.set(key, time);
      return time;
    },
    changed: () => void changes++,
  };
  return {
    host: made,
    changes: () => changes,
    setRules: (next: typeof rules) => {
      rules = next;
    },
  };
}

const signal = new AbortController().signal;

for (const [name, create] of Object.entries(SOURCES))
  describe(`a source of configuration: ${name}`, () => {
    /** Starts the source and waits until it was read. */
    async function started(under: SourceUnderTest, parts = host()) {
      await under.source.start(parts.host, signal);
      under.sync();
      const { source } = under;
      await waitFor("everything is read", 5_000, () => source.places() !== undefined && parts.changes() > 0);
      const object = (each: string): Resource | undefined =>
        [...(source.places()?.values() ?? [])].map(({ resources }) => resources.get(ruleKey(each))).find(Boolean);
      return {
        object,
        hostOf: (each: string): unknown => (object(each)?.spec as { host?: string } | undefined)?.host,
        errors: () => [...(source.places()?.values() ?? [])].flatMap(({ errors }) => errors),
      };
    }

    it("has nothing before it was read, says so, and has everything at once then", async () => {
      await using under = await create();
      for (const each of ["a", "b"]) under.put(each, ruleObject(each, "one"));
      assert.equal(under.source.places(), undefined);
      assert.notDeepEqual(under.source.missing(), []);
      const at = await started(under);
      assert.deepEqual([at.hostOf("a"), at.hostOf("b"), at.errors()], ["one", "one", []]);
      assert.deepEqual(under.source.missing(), []);
      assert.equal(at.object("a")?.origin?.source, under.place("a"));
      await under.source.close();
    });

    it("follows what is put, changed and removed, and calls for each", async () => {
      await using under = await create();
      const parts = host();
      const at = await started(under, parts);
      for (const [step, isThere] of [
        [() => under.put("a", ruleObject("a", "one")), () => at.hostOf("a") === "one"],
        [() => under.put("a", ruleObject("a", "two")), () => at.hostOf("a") === "two"],
        [() => under.remove("a"), () => at.object("a") === undefined],
      ] as const) {
        const before = parts.changes();
        step();
        await waitFor("the change", 5_000, () => isThere() && parts.changes() > before);
      }
      await under.source.close();
    });

    it("says when an object was created that does not say it: at the start, or later", async () => {
      await using under = await create();
      under.put("a", ruleObject("a", "one"));
      const at = await started(under);
      under.put("b", ruleObject("b", "one"));
      await waitFor("the later one", 5_000, () => at.object("b"));
      assert.deepEqual(
        [at.object("a")?.creationTimestamp, at.object("b")?.creationTimestamp],
        ["at the start", "later"],
      );
      await under.source.close();
    });

    it("keeps the last good form of an object that is refused, with its place and line", async () => {
      await using under = await create();
      under.put("a", ruleObject("a", "one"));
      const at = await started(under);
      under.put("a", ruleObject("a", "two", BAD));
      const [error] = await waitFor("the error", 5_000, () => (at.errors().length > 0 ? at.errors() : undefined));
      assert.deepEqual(
        { ...error, message: "" },
        { object: ruleKey("a"), source: under.place("a"), line: under.line, message: "" },
      );
      assert.match(error?.message ?? "", /^spec\.hots: unknown field; did you mean host\?/);
      assert.equal(at.hostOf("a"), "one");
      under.put("a", ruleObject("a", "three"));
      await waitFor("the fixed form", 5_000, () => at.hostOf("a") === "three" && at.errors().length === 0);
      await under.source.close();
    });

    it("has no object that was never good", async () => {
      await using under = await create();
      under.put("a", ruleObject("a", "one", BAD));
      const at = await started(under);
      assert.deepEqual([at.object("a"), at.errors().length], [undefined, 1]);
      await under.source.close();
    });

    it("takes the last good form of an earlier run", async () => {
      await using under = await create();
      under.put("a", ruleObject("a", "one", BAD));
      const before: Resource = {
        ...{ group: "networking.istio.io", version: "v1", kind: "DestinationRule", namespace: "default", name: "a" },
        spec: { host: "earlier" },
      };
      const earlier = {
        of: (place: string) =>
          place === under.place("a") ? { resources: new Map([[ruleKey("a"), before]]), errors: [] } : NO_CONTENT,
      };
      const at = await started(under, host(earlier));
      assert.equal(at.hostOf("a"), "earlier");
      await under.source.close();
    });

    it("leaves objects of others alone", async () => {
      await using under = await create();
      under.put("other", { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: {} });
      under.put("a", ruleObject("a", "one"));
      const at = await started(under);
      assert.deepEqual([at.hostOf("a"), at.errors()], ["one", []]);
      await under.source.close();
    });

    it("validates again when the rules are others", async () => {
      await using under = await create();
      const api = { apiVersion: "config.istio.io/v1alpha2" };
      const key = "config.istio.io/rule/default/r";
      under.put("r", {
        ...{ ...api, kind: "rule", metadata: { name: "r" } },
        spec: { match: 'my.attr == "x"', actions: [{ handler: "h", instances: ["i"] }] },
      });
      const parts = host();
      const at = await started(under, parts);
      assert.match(at.errors()[0]?.message ?? "", /unknown attribute my\.attr/);
      const manifest: Resource = {
        ...{
          group: "config.istio.io",
          version: "v1alpha2",
          kind: "attributemanifest",
          namespace: "default",
          name: "m",
        },
        spec: { attributes: { "my.attr": { valueType: "STRING" } } },
      };
      parts.setRules({ mixer: mixerContextOf([manifest]) });
      await under.source.revalidate();
      const found = [...(under.source.places()?.values() ?? [])].some(({ resources }) => resources.has(key));
      assert.deepEqual([found, at.errors()], [true, []]);
      await under.source.close();
    });

    it("is silent after its end", async () => {
      await using under = await create();
      under.put("a", ruleObject("a", "one"));
      const parts = host();
      await started(under, parts);
      await under.source.close();
      const before = parts.changes();
      under.put("b", ruleObject("b", "one"));
      const other = await create();
      other.put("b", ruleObject("b", "one"));
      // Another one that begins after it has seen the change by then.
      await started(other);
      assert.equal(parts.changes(), before);
      await other.source.close();
      await other[Symbol.asyncDispose]();
    });
  });
