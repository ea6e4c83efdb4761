import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValueMap } from "@xebec/mixer-sdk";
import { parseNameTemplate } from "./name-template.ts";

const dimensions: ValueMap = {
  names: ["a", "b-c", "d"],
  types: ["STRING", "INT64", "DURATION"],
  values: ["x", 5, 1_500_000_000],
};

test("names are made of dimensions as Go's templates make them", () => {
  for (const [text, want] of [
    ["plain", "plain"],
    ["{{.a}}", "x"],
    ['r.{{ .a }}.{{index . "b-c"}}.{{index . `d`}}', "r.x.5.1.5s"],
    ["a {{- .a -}} b", "axb"],
    ['{{/* }} nothing */}}{{"}}"}}{{`\\`}}', "}}\\"],
    ["{ {{.a}} }", "{ x }"],
  ] as const)
    assert.equal(parseNameTemplate(text).render(dimensions), want, text);
  assert.deepEqual(parseNameTemplate('{{.a}}{{.a}}{{index . "b-c"}}').dimensions, ["a", "b-c"]);
});

test("what is not understood is an error", () => {
  for (const [text, want] of [
    ["a{{.b", /"\{\{\.b" has no closing \}\}/],
    ["{{if .a}}x{{end}}", /\{\{if \.a\}\} is not supported/],
    ["{{.a | printf}}", /not supported/],
    ["{{.a-b}}", /not supported/],
    ["{{}}", /not supported/],
    ['{{"\\q"}}', /has an escape that is not understood/],
  ] as const)
    assert.throws(() => parseNameTemplate(text), want, text);
});
