import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { referencePages } from "@xebec/model-resources";

const FOLDER = join(import.meta.dirname, "../../docs/reference/config");
const ADVICE = "run node libs/model/resources/scripts/write-reference.ts";

it("the reference pages say what the schemas say", () => {
  const pages = referencePages();
  assert.deepEqual(readdirSync(FOLDER).sort(), pages.map(({ file }) => file).sort(), ADVICE);
  for (const { file, text } of pages)
    assert.equal(readFileSync(join(FOLDER, file), "utf8"), text, `${file}: ${ADVICE}`);
});

it("each field of a schema is described in a sentence", () => {
  for (const { file, text } of referencePages())
    for (const line of text.split("\n").filter((each) => /^\| `/.test(each))) {
      const meaning = line.split(/(?<!\\) \| /)[2] ?? "";
      assert.match(meaning, /^[`A-Z].*\.$/, `${file}: ${line}`);
    }
});
