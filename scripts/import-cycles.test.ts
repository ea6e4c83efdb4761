import assert from "node:assert/strict";
import { test } from "node:test";
import { cycles, fileImports } from "./import-cycles.ts";

const of = (files: Readonly<Record<string, string>>): string[][] => cycles(fileImports(new Map(Object.entries(files))));

test("a cycle of type-only imports is found", () => {
  const found = of({
    "libs/a/src/one.ts": 'import type { Two } from "./two.ts";',
    "libs/a/src/two.ts": 'import {\n  type Three,\n} from "./deep/three.ts";',
    "libs/a/src/deep/three.ts": 'export type { One } from "../one.ts";',
    "libs/a/src/outside.ts": 'import "./one.ts";',
  });
  assert.deepEqual(found, [["libs/a/src/deep/three.ts", "libs/a/src/one.ts", "libs/a/src/two.ts"]]);
});

test("several cycles are found, and a file that imports itself", () => {
  const found = of({
    "a.ts": 'import { b } from "./b.ts"; import { c } from "./c.ts";',
    "b.ts": 'const a = await import("./a.ts");',
    "c.ts": 'import type { D } from "./d.ts";',
    "d.ts": 'import { c } from "./c.ts";',
    "e.ts": 'import "./e.ts";',
  });
  assert.deepEqual(found, [["c.ts", "d.ts"], ["a.ts", "b.ts"], ["e.ts"]]);
});

test("files that share an import are not a cycle", () => {
  const found = of({
    "a.ts": 'import { b } from "./b.ts"; import { c } from "./c.ts"; import { x } from "./missing.ts";',
    "b.ts": 'import { c } from "./c.ts"; import fs from "node:fs";',
    "c.ts": 'const text = "not an import: ./a.ts";',
  });
  assert.deepEqual(found, []);
});
