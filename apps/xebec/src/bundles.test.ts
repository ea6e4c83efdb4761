import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { tempDir } from "@xebec/testing-launch";
import { ROOT } from "./paths.ts";

const { isCurrent, makeCurrent } = (await import(pathToFileURL(join(ROOT, "scripts/bundles.mjs")).href)) as {
  isCurrent(root: string, program: string): boolean;
  makeCurrent(programs: readonly string[], root: string): Promise<string | undefined>;
};

const APP = "apps/demo";

test("a bundle is made when it is missing or old, once for all who ask, and never half", async () => {
  using folder = tempDir();
  const root = folder.path;
  for (const path of ["tools", "package-lock.json", "tsconfig.json", "tsconfig.base.json"])
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, APP, "src"), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(root, APP, "src", name), text);
  const bundle = join(root, APP, "dist/main.mjs");
  const says = (): string => execFileSync(process.execPath, [bundle]).toString();
  write("part.ts", "export const part: string = 'one';");
  write("main.ts", "import { part } from './part.ts'; console.log(part, (await import('./late.ts')).late);");
  write("late.ts", "import { createServer } from 'node:http'; export const late = typeof createServer;");

  assert.equal(isCurrent(root, APP), false);
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(() => makeCurrent([APP], root))), Array(4).fill(undefined));
  assert.equal(says(), "one function\n");
  assert.equal(isCurrent(root, APP), true);
  const made = statSync(join(root, APP, "dist/inputs.json")).mtimeMs;
  assert.equal(await makeCurrent([APP], root), undefined);
  assert.equal(statSync(join(root, APP, "dist/inputs.json")).mtimeMs, made, "nothing was done");

  write("part.ts", "export const part: string = 'two';");
  assert.equal(isCurrent(root, APP), false, "a file that main.ts imports was edited");
  assert.equal(await makeCurrent([APP], root), undefined);
  assert.equal(says(), "two function\n");

  write("part.ts", "export const part: string = ;");
  assert.match((await makeCurrent([APP], root)) ?? "", /^apps\/demo\/src\/part\.ts:1: Unexpected ";"$/);
  assert.equal(says(), "two function\n", "the bundle of before is whole");
  write("part.ts", "export const part: string = 'three';");
  writeFileSync(join(root, APP, "dist/inputs.json"), readFileSync(join(root, APP, "dist/inputs.json")).subarray(0, 20));
  assert.equal(await makeCurrent([APP], root), undefined, "a list that was cut off is made anew");
  assert.equal(says(), "three function\n");

  rmSync(join(root, "tools"), { recursive: true });
  write("late.ts", "export const late = 'x';");
  assert.match((await makeCurrent([APP], root)) ?? "", /tools\/bundle\.ts is missing/);
});
