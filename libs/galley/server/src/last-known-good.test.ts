import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { isObservedKey } from "@xebec/model-resources";
import { createMemoryBus } from "@xebec/platform-bus";
import { tempDir } from "@xebec/testing-launch";
import { publishingDirectory, readDirectory, rule, save } from "./galley.testkit.ts";

describe("what outlasts the end of a galley", () => {
  it("starts with the last good form of a file that is broken meanwhile", async () => {
    using folder = tempDir();
    const dir = folder.file("config");
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "one"));
    const first = await readDirectory(dir, folder.file("state"));
    save(dir, "a.yaml", rule("a", "two"));
    await waitFor("the change", 3_000, () => first.host("a") === "two");
    await first.close();
    save(dir, "a.yaml", "kind: [\n");
    const second = await readDirectory(dir, folder.file("state"));
    assert.equal(second.host("a"), "two");
    await second.close();
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
    const first = await publishingDirectory(dir, { bus, stateDir: state });
    await waitFor("the first form", 5_000, () => first.held(key)?.generation === 1);
    save(dir, "a.yaml", rule("a", "two"));
    await waitFor("the second form", 5_000, () => first.held(key)?.generation === 2);
    await first.close();
    assert.ok(said.has("galley/networking.istio.io/DestinationRule/default/b"));

    rmSync(join(dir, "b.yaml"));
    const second = await publishingDirectory(dir, { bus, stateDir: state });
    await waitFor("the condition is cleared", 5_000, () => said.size === 1);
    assert.equal(second.held(key)?.generation, 2);
    await second.close();
    save(dir, "a.yaml", rule("a", "three"));
    const third = await publishingDirectory(dir, { bus, stateDir: state });
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
    const first = await publishingDirectory(dir, { bus, stateDir: state });
    await waitFor("both", 5_000, () => first.reader.entries().size === 2);
    await first.close();
    rmSync(join(dir, "b.yaml"));
    const second = await publishingDirectory(dir, { bus, stateDir: state });
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

  it("uses nothing of last known good objects that are damaged, and says so", async (t) => {
    using folder = tempDir();
    const [dir, state] = [folder.file("config"), folder.file("state")];
    mkdirSync(dir);
    save(dir, "a.yaml", rule("a", "reviews"));
    save(dir, "b.yaml", rule("b", "ratings"));
    const bus = createMemoryBus();
    const first = await publishingDirectory(dir, { bus, stateDir: state });
    await waitFor("both", 5_000, () => first.reader.entries().size === 2);
    await first.close();
    const file = join(state, "last-good.json");
    // It is JSON still, and would bring an object that nobody wrote.
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("reviews", "rev1ews"));
    save(dir, "a.yaml", "apiVersion: [");
    const warned = t.mock.method(logger("source"), "warn").mock;
    const second = await publishingDirectory(dir, { stateDir: state });
    await waitFor("the good file", 5_000, () => second.reader.entries().size === 1);
    assert.ok(!JSON.stringify([...second.reader.entries().values()].map(String)).includes("rev1ews"));
    assert.ok(
      warned.calls.some((each) => String(each.arguments[1]).startsWith("the last known good objects are not used")),
    );
    await second.close();
    assert.match(readFileSync(file, "utf8"), /^\{"checksum":/);
  });
});
