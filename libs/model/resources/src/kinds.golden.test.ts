import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { checkSpec, pairs, specOf } from "./check-spec.testkit.ts";

// Golden pairs of validation, small and per feature: kinds/KIND/testdata/FEATURE.in.yaml and .out.txt, line by line.

describe("what is said of specs", () => {
  for (const { kind, path, lines } of pairs())
    it(`${kind.kind}: ${basename(path)}`, () => {
      const said = lines.map((line) => {
        const spec = specOf(line);
        return spec === undefined ? line : checkSpec(kind, spec);
      });
      const file = `${path}.out.txt`;
      if (process.env.UPDATE_GOLDEN) writeFileSync(file, `${said.join("\n")}\n`);
      const expected = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
      for (const [i, line] of lines.entries()) assert.equal(said[i], expected[i], `line ${i + 1}: ${line}`);
      assert.equal(expected.length, lines.length);
    });
});
