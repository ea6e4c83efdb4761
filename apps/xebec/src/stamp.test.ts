import assert from "node:assert/strict";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { tempDir } from "@xebec/testing-launch";
import { ROOT } from "./paths.ts";

const { stamp } = (await import(pathToFileURL(join(ROOT, "scripts/stamp.mjs")).href)) as {
  stamp(
    file: string,
    root: string,
    paths: readonly string[],
  ): {
    holds(): boolean;
    renew(work: () => Promise<void>): Promise<void>;
  };
};

test("a step is skipped only while neither its inputs nor its outputs have changed", async () => {
  using folder = tempDir();
  for (const each of ["src/deep", "src/dist"]) mkdirSync(folder.file(each), { recursive: true });
  const made = folder.file("src/dist/made");
  const file = folder.file("src/deep/a.ts");
  writeFileSync(file, "1");
  const step = stamp(folder.file("out/stamp"), folder.path, ["src", "lock.json"]);
  assert.equal(step.holds(), false);
  for (const change of [
    () => writeFileSync(file, "22"),
    () => utimesSync(file, 1, 1),
    () => writeFileSync(folder.file("src/b.ts"), ""),
    () => rmSync(folder.file("src/b.ts")),
    () => writeFileSync(folder.file("lock.json"), ""),
    () => writeFileSync(made, "other"),
    () => rmSync(made),
  ]) {
    await step.renew(async () => writeFileSync(made, "made"));
    assert.equal(step.holds(), true);
    change();
    assert.equal(step.holds(), false, String(change));
  }
});

test("a step that failed, or in which an input changed, is due again", async () => {
  using folder = tempDir();
  const file = folder.file("a.ts");
  writeFileSync(file, "1");
  const step = stamp(folder.file("out/stamp"), folder.path, ["a.ts"]);
  await step.renew(async () => {});
  await step.renew(async () => writeFileSync(file, "22"));
  assert.equal(step.holds(), false, "what was made may be of the old text");
  await step.renew(async () => {});
  assert.equal(step.holds(), true);
  await assert.rejects(
    step.renew(async () => {
      throw new Error("no");
    }),
  );
  assert.equal(step.holds(), false);
});
