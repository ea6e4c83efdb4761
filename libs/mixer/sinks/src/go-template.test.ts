import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttributeValue, ValueMap, ValueType } from "@xebec/mixer-sdk";
import { parseGoTemplate } from "./go-template.ts";

const values = (given: Record<string, readonly [ValueType, AttributeValue]>): ValueMap => {
  const names = Object.keys(given).sort();
  return {
    names,
    types: names.map((each) => (given[each] as readonly [ValueType, AttributeValue])[0]),
    values: names.map((each) => (given[each] as readonly [ValueType, AttributeValue])[1]),
  };
};
const VALUES = values({
  method: ["STRING", "GET"],
  code: ["INT64", 503],
  empty: ["STRING", ""],
  zero: ["INT64", 0],
  took: ["DURATION", 1_500_000],
  ok: ["BOOL", true],
  "a.b": ["STRING", "<x> & 'y'"],
  time: ["TIMESTAMP", { seconds: 1_700_000_000, nanos: 120_000_000 }],
});

// Outputs are those of Go's text/template.
for (const [source, out] of [
  ["{{.method}} {{.code}} {{.took}} {{.ok}}", "GET 503 1.5ms true"],
  ['{{index . "a.b"}}', "<x> & 'y'"],
  ['{{or (.empty) "-"}} {{or .zero .nope "none"}} {{or .method "-"}}', "- none GET"],
  ['{{and .ok .code}} {{not .empty}} {{eq .code 503}} {{ne .method "GET"}}', "503 true true false"],
  ["{{if .empty}}a{{else if .ok}}b{{else}}c{{end}}d", "bd"],
  ["{{if .zero}}a{{end}}-{{if eq .method `POST`}}x{{else}}y{{end}}", "-y"],
  ['{{printf "%s|%5d|%-5v|%05d|%q|100%%" .method .code .method .code .method}}', 'GET|  503|GET  |00503|"GET"|100%'],
  ['{{.method | print "m=" | len}}', "5"],
  ['{{html (index . "a.b")}} {{"a b" | urlquery}}', "&lt;x&gt; &amp; &#39;y&#39; a+b"],
  ['{{.time.Format "2006-01-02T15:04:05Z07:00"}}', "2023-11-14T22:13:20Z"],
  [
    '{{.time.Format "02/Jan/2006:15:04:05.000 -0700, Mon Monday 3:4 PM"}}',
    "14/Nov/2023:22:13:20.120 +0000, Tue Tuesday 10:13 PM",
  ],
  ["a {{- .method -}} b {{/* c }} */}}.", "aGETb ."],
  ["{{.nope}}", "<no value>"],
] as const)
  test(`a template: ${source}`, () => assert.equal(parseGoTemplate(source).render(VALUES), out));

test("values can be escaped as in HTML; a template says what it reads", () => {
  const made = parseGoTemplate('<b>{{index . "a.b"}}</b>{{if .x}}{{.y}}{{end}}', { escapeHtml: true });
  assert.equal(made.render(VALUES), "<b>&lt;x&gt; &amp; &#39;y&#39;</b>");
  assert.deepEqual(made.names, ["a.b", "x", "y"]);
});

test("what is not understood is said", () => {
  for (const [source, error] of [
    ["{{.a", /has no closing/],
    ["{{range .a}}{{end}}", /\{\{range \.a\}\} is not supported/],
    ["{{if .a}}", /has no \{\{end\}\}/],
    ["{{end}}", /has no \{\{if\}\}/],
    ["{{}}", /is empty/],
    ["{{$x := 1}}", /is not understood/],
    ["{{.a .b}}", /is not supported/],
    ["{{or}}", /is not supported/],
    ['{{"\\x"}}', /an escape that is not understood/],
    ["{{if .a}}".repeat(50), /too deeply/],
  ] as const)
    assert.throws(() => parseGoTemplate(source), error, source);
});
