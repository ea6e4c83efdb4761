import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";

/** One pair of files: `<name>.in.yaml` and `<name>.out.yaml`. */
export interface GoldenCase {
  readonly name: string;
  readonly input: unknown;
  /** Compares with the stored output; with UPDATE_GOLDEN=1 in the environment it is written instead. */
  expect(output: unknown): void;
}

/** The cases of a folder, by name. */
export function goldenCases(folder: string): GoldenCase[] {
  return globSync("*.in.yaml", { cwd: folder })
    .sort()
    .map((file) => {
      const name = basename(file, ".in.yaml");
      const path = join(folder, `${name}.out.yaml`);
      return {
        name,
        input: parse(readFileSync(join(folder, file), "utf8")),
        expect(output) {
          const text = stringify(output, { lineWidth: 0, aliasDuplicateObjects: false });
          if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
          assert.ok(existsSync(path), `${path} is missing; make it with UPDATE_GOLDEN=1 and read it`);
          assert.equal(
            text,
            readFileSync(path, "utf8"),
            `${name}: the output differs; if that is meant, run again with UPDATE_GOLDEN=1`,
          );
        },
      };
    });
}

/** The documents of a YAML text, as plain values; empty ones are left out. */
export function yamlDocuments(text: string): unknown[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw error;
    const value: unknown = document.toJS();
    return value === null ? [] : [value];
  });
}
