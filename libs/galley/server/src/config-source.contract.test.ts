import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { mixerContextOf, STANDARD_CONTEXT } from "@xebec/galley-validate";
import type { Resource } from "@xebec/model-resources";
import { tempDir } from "@xebec/testing-launch";
import { type ConfigSource, type EarlierContent, NO_CONTENT, type SourceHost } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";
import { ruleKey, ruleObject, save } from "./galley.testkit.ts";
import { MemorySource } from "./memory-source.testkit.ts";

/** A source whose content a test changes. To test another source by this contract, add it to `SOURCES`. */
interface SourceUnderTest extends Disposable {
  readonly source: ConfigSource;
  /** Puts an object into a place of its own, or of the source. */
  put(name: string, object: object): void;
  remove(name: string): void;
  /** The name of the place of an object. */
  place(name: string): string;
  /** What is there is what there is to read at first. */
  sync(): void;
}

const SOURCES: Readonly<Record<string, () => SourceUnderTest>> = {
  "a directory": () => {
    const folder = tempDir();
    return {
      source: createDirectorySource(folder.path),
      put: (name, object) => save(folder.path, `${name}.json`, JSON.stringify(object)),
      remove: (name) => rmSync(folder.file(`${name}.json`)),
      place: (name) => `${name}.json`,
      sync: () => {},
      [Symbol.dispose]: () => folder.remove(),
    };
  },
  memory: () => {
    const source = new MemorySource();
    return {
      source,
      put: (name, object) => source.put(name, object),
      remove: (name) => source.remove(name),
      place: () => source.name,
      sync: () => source.sync(),
      [Symbol.dispose]: () => {},
    };
  },
};

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
      using under = create();
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
      using under = create();
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
      using under = create();
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
      using under = create();
      under.put("a", ruleObject("a", "one"));
      const at = await started(under);
      under.put("a", ruleObject("a", "two", BAD));
      const [error] = await waitFor("the error", 5_000, () => (at.errors().length > 0 ? at.errors() : undefined));
      assert.deepEqual(
        { ...error, message: "" },
        { object: ruleKey("a"), source: under.place("a"), line: 1, message: "" },
      );
      assert.match(error?.message ?? "", /^spec\.hots: unknown field; did you mean host\?/);
      assert.equal(at.hostOf("a"), "one");
      under.put("a", ruleObject("a", "three"));
      await waitFor("the fixed form", 5_000, () => at.hostOf("a") === "three" && at.errors().length === 0);
      await under.source.close();
    });

    it("has no object that was never good", async () => {
      using under = create();
      under.put("a", ruleObject("a", "one", BAD));
      const at = await started(under);
      assert.deepEqual([at.object("a"), at.errors().length], [undefined, 1]);
      await under.source.close();
    });

    it("takes the last good form of an earlier run", async () => {
      using under = create();
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
      using under = create();
      under.put("other", { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: {} });
      under.put("a", ruleObject("a", "one"));
      const at = await started(under);
      assert.deepEqual([at.hostOf("a"), at.errors()], ["one", []]);
      await under.source.close();
    });

    it("validates again when the rules are others", async () => {
      using under = create();
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
      using under = create();
      under.put("a", ruleObject("a", "one"));
      const parts = host();
      await started(under, parts);
      await under.source.close();
      const before = parts.changes();
      under.put("b", ruleObject("b", "one"));
      const other = create();
      other.put("b", ruleObject("b", "one"));
      // Another one that begins after it has seen the change by then.
      await started(other);
      assert.equal(parts.changes(), before);
      await other.source.close();
      other[Symbol.dispose]();
    });
  });
