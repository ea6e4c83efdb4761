import assert from "node:assert/strict";
import { test } from "node:test";
import { readYaml } from "@xebec/core-yaml";
import { listing, table } from "./output.ts";

test("columns are as wide as their longest cell, and no line ends with blanks", () => {
  const text = table(
    ["NAME", "READY"],
    [
      ["reviews-v1", "yes"],
      ["a", ""],
    ],
  );
  assert.equal(text, "NAME         READY\nreviews-v1   yes\na\n");
});

test("the same data comes as JSON and YAML; the table is made only when it is wanted", () => {
  const data = [{ name: "a", addresses: ["127.0.0.1"], ok: true }];
  const never = (): string => assert.fail("not wanted");
  assert.deepEqual(JSON.parse(listing("json", data, never)), data);
  assert.deepEqual(readYaml(listing("yaml", data, never)), data);
  assert.equal(
    listing("table", data, () => "text\n"),
    "text\n",
  );
});

test("no cell does anything to a terminal, or looks like another line", () => {
  const text = table(["NAME"], [["a\u001b[31m\nb\u009b\u202ec"]]);
  assert.equal(text, "NAME\na\\u001b[31m\\u000ab\\u009b\\u202ec\n");
});
