import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { MixerContext } from "@xebec/galley-validate";
import { type Bus, createMemoryBus } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { reviewObject } from "./admission.ts";
import { publishing, publishingDirectory, rule, ruleKey, ruleObject, save } from "./galley.testkit.ts";
import { MemorySource } from "./memory-source.testkit.ts";

describe("publishing", () => {
  const manifest =
    "apiVersion: config.istio.io/v1alpha2\nkind: attributemanifest\nmetadata: {name: m}\nspec: {attributes: {my.attr: {valueType: STRING}}}\n";
  const match =
    'apiVersion: config.istio.io/v1alpha2\nkind: rule\nmetadata: {name: r}\nspec: {match: my.attr == "x", actions: [{handler: h, instances: [i]}]}\n';

  it("takes rules with a manifest's attributes, in whatever order they are read, and so does its webhook", async () => {
    using folder = tempDir();
    save(folder.path, "a-rule.yaml", match);
    save(folder.path, "b-manifest.yaml", manifest);
    const galley = await publishingDirectory(folder.path);
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
      (reviewObject(body, mixer).body as { response: { allowed: boolean } }).response.allowed;
    assert.deepEqual([allowed(), allowed(galley.publisher.mixer())], [false, true]);
    // A manifest that comes later makes a rule good that was refused.
    save(folder.path, "a-rule.yaml", match.replace("my.attr", "your.attr").replace("name: r", "name: s"));
    save(folder.path, "c-manifest.yaml", manifest.replace("name: m", "name: o").replace("my.attr", "your.attr"));
    await waitFor("the other rule", 5_000, () => galley.held("config.istio.io/rule/default/s"));
    await galley.close();
  });

  it("waits for a directory that is not there, and goes on after a publication that failed", async () => {
    using folder = tempDir();
    const dir = folder.file("later");
    const bus = createMemoryBus();
    const galley = await publishingDirectory(dir, { bus });
    await waitFor("it reports", 5_000, () =>
      galley.publisher.missing?.().some((each) => each.includes("cannot be read")),
    );
    const state = bus.bucket("config");
    const put = state.put.bind(state);
    state.put = () => Promise.reject(new XebecError("permission_denied", "not now"));
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "one"));
    await waitFor("the failure is reported", 10_000, () =>
      galley.publisher.missing?.().some((each) => each.includes("cannot be published: not now")),
    );
    state.put = put;
    await waitFor("it is published", 10_000, () => galley.reader.entries().size === 1);
    assert.deepEqual(galley.publisher.missing?.(), []);
    await galley.close();
  });

  it("ends soon, with its last known good objects written, when the bus does not take a change", async () => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    const bus: Bus = { ...createMemoryBus(), connected: false };
    const galley = await publishingDirectory(dir, { bus, stateDir: state });
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

  it("publishes nothing before every source was read: what one has would look deleted", async () => {
    const [first, second] = [new MemorySource("first"), new MemorySource("second")];
    first.put("a", ruleObject("a", "one"));
    second.put("b", ruleObject("b", "one"));
    const galley = await publishing([first, second]);
    first.sync();
    assert.deepEqual(galley.publisher.missing?.(), ["second is not read yet"]);
    assert.deepEqual(galley.revisions, []);
    second.sync();
    await galley.read();
    assert.deepEqual([galley.host("a"), galley.host("b"), galley.revisions], ["one", "one", [2]]);
    assert.deepEqual(galley.publisher.missing?.(), []);
    await galley.close();
  });

  it("takes an object that several sources have from the first one, whatever comes first", async () => {
    const [first, second] = [new MemorySource("first"), new MemorySource("second")];
    second.put("a", ruleObject("a", "two"));
    first.sync();
    second.sync();
    const galley = await publishing([first, second]);
    for (const each of [first, second]) each.sync();
    await galley.read();
    assert.equal(galley.host("a"), "two");
    first.put("a", ruleObject("a", "one"));
    await waitFor("the first source's", 5_000, () => galley.host("a") === "one");
    const duplicate = await waitFor("the other one is reported", 5_000, () => galley.refused()[0]);
    assert.deepEqual([duplicate.object, duplicate.source], ["file/second", "second"]);
    assert.match(duplicate.message, /DestinationRule default\/a is defined in first already/);
    assert.equal(galley.conditions.get(`galley/${ruleKey("a")}`)?.status, "True", "the one in use is well");
    first.remove("a");
    await waitFor("the second source's again", 5_000, () => galley.host("a") === "two");
    assert.equal(galley.held(ruleKey("a"))?.generation, 3, "each form was another one");
    await galley.close();
  });

  it("checks an object of one source against those of another", async () => {
    const [attributes, rules] = [new MemorySource("attributes"), new MemorySource("rules")];
    const api = { apiVersion: "config.istio.io/v1alpha2" };
    const rule = { match: 'my.attr == "x"', actions: [{ handler: "h", instances: ["i"] }] };
    rules.put("r", { ...api, kind: "rule", metadata: { name: "r" }, spec: rule });
    const galley = await publishing([rules, attributes]);
    for (const each of [attributes, rules]) each.sync();
    await galley.read();
    assert.equal(galley.held("config.istio.io/rule/default/r"), undefined);
    const spec = { attributes: { "my.attr": { valueType: "STRING" } } };
    attributes.put("m", { ...api, kind: "attributemanifest", metadata: { name: "m" }, spec });
    await waitFor("the rule is good", 5_000, () => galley.held("config.istio.io/rule/default/r"));
    await galley.close();
  });

  it("says in an object's condition which generation it is about", async () => {
    const source = new MemorySource();
    source.put("a", ruleObject("a", "one"));
    const galley = await publishing([source]);
    source.sync();
    await galley.read();
    const condition = () => galley.conditions.get(`galley/${ruleKey("a")}`);
    await waitFor("the first", 5_000, () => condition()?.observedGeneration === 1);
    source.put("a", ruleObject("a", "two"));
    await waitFor("the second", 5_000, () => condition()?.observedGeneration === 2);
    assert.deepEqual([condition()?.type, condition()?.status, condition()?.reason], ["Accepted", "True", "Accepted"]);
    await galley.close();
  });
});
