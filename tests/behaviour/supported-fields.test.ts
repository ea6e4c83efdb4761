import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KINDS } from "@xebec/model-resources";
import { fieldsOf, fieldsWithoutEffect } from "./lab/schema-fields.ts";

/** Every kind whose schema has fields: those of Mixer's templates and adapters come from their own parameters. */
const TABLES = KINDS.filter(({ schema }) => fieldsOf(schema).join("") !== "").map(({ kind }) => kind);
/** In place of a file: the field has its effect, and nothing but golden outputs shows it. */
const NO_TEST = "no test";
/** Number of such fields. It only goes down. */
const MOST_WITHOUT_TEST = 1;
/** In place of a file: the field is accepted without effect, and its object's condition says so. */
const NO_EFFECT = "no effect";

interface Row {
  readonly fields: readonly string[];
  readonly file: string;
  readonly test: string;
}

const page = readFileSync(join(import.meta.dirname, "../../docs/supported-fields.md"), "utf8");

function rowsOf(kind: string): Row[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${kind}\n`)) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [fields = "", file = "", test = ""] = line.slice(1, -1).split(" |");
      return { fields: [...fields.matchAll(/`([^`]+)`/g)].flatMap(([, each]) => expanded(each as string)), file, test };
    })
    .map(({ fields, file, test }) => ({ fields, file: file.trim(), test: test.trim() }));
}

/** `a.{b,c.{d,e}}` as `a.b`, `a.c.d`, `a.c.e`; the `{}` of maps stays. */
function expanded(text: string): string[] {
  const open = text.search(/\{(?!\})/);
  if (open === -1) return [text];
  const parts: string[] = [];
  let depth = 0;
  let from = open + 1;
  let end = open;
  for (; end < text.length; end++) {
    const letter = text[end];
    if (letter === "{") depth++;
    else if (letter === "}") depth--;
    if ((letter === "," && depth === 1) || depth === 0) {
      parts.push(text.slice(from, end));
      from = end + 1;
    }
    if (depth === 0) break;
  }
  return parts.flatMap((part) => expanded(`${text.slice(0, open)}${part}${text.slice(end + 1)}`));
}

describe("docs/supported-fields.md", () => {
  for (const name of TABLES) {
    const rows = rowsOf(name);

    it(`${name}: has each field of the schema once`, () => {
      const kind = KINDS.find((each) => each.kind === name);
      assert.ok(kind);
      assert.deepEqual(rows.flatMap(({ fields }) => fields).sort(), fieldsOf(kind.schema).sort());
    });

    it(`${name}: calls fields without effect that the schema calls so`, () => {
      const kind = KINDS.find((each) => each.kind === name);
      const listed = new Set(rows.filter(({ file }) => file === NO_EFFECT).flatMap(({ fields }) => fields));
      const missing = fieldsWithoutEffect(kind?.schema ?? {}).filter((each) => !listed.has(each));
      assert.deepEqual(missing, []);
    });

    it(`${name}: names tests that exist`, () => {
      for (const { file, test, fields } of rows) {
        if (file === NO_EFFECT || file === NO_TEST) continue;
        // A file of this folder, or a path from the root.
        const path = join(import.meta.dirname, file.includes("/") ? "../.." : "", `${file}.test.ts`);
        assert.ok(existsSync(path), `${fields.join(", ")}: there is no ${file}.test.ts`);
        const source = readFileSync(path, "utf8");
        // A name stands where a test begins: it("…"), name: "…", or first in a call or a list of cases.
        const begins = [
          'it("',
          'test("',
          'name: "',
          '("',
          '["',
          'exact: "',
          'prefix: "',
          'regex: "',
          '\n    "',
          '\n      "',
        ];
        assert.ok(
          begins.some((each) => source.includes(`${each}${test}"`)),
          `${fields.join(", ")}: ${file}.test.ts has no test "${test}"`,
        );
      }
    });
  }

  it("leaves few fields without a test", () => {
    const without = TABLES.flatMap(rowsOf).filter(({ file }) => file === NO_TEST);
    assert.equal(without.flatMap(({ fields }) => fields).length, MOST_WITHOUT_TEST);
  });
});
