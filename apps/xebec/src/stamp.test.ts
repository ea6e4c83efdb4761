import assert from "node:assert/strict";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { tempDir } from "@xebec/testing-launch";
import { ROOT } from "./paths.ts";

const { stamp } = (await import(pathToFileURL(join(ROOT, "scripts/stamp.mjs")).href)) as {
  stamp(file: string, root: string, paths: readonly string[]): { holds(): boolean; set(): void; clear(): void };
};

test("a step is skipped only while neither its inputs nor its outputs have changed", () => {
  using folder = tempDir();
  mkdirSync(folder.file("src/deep"), { recursive: true });
  const file = folder.file("src/deep/a.ts");
  writeFileSync(file, "1");
  const step = stamp(folder.file("out/stamp"), folder.path, ["src", "dist", "lock.json"]);
  assert.equal(step.holds(), false);
  for (const change of [
    () => writeFileSync(file, "22"),
    () => utimesSync(file, 1, 1),
    () => writeFileSync(folder.file("src/b.ts"), ""),
    () => rmSync(folder.file("src/b.ts")),
    () => writeFileSync(folder.file("lock.json"), ""),
    () => writeFileSync(folder.file("dist"), "built"),
    () => rmSync(folder.file("dist")),
    () => step.clear(),
  ]) {
    step.set();
    assert.equal(step.holds(), true);
    change();
    assert.equal(step.holds(), false, String(change));
  }
});
