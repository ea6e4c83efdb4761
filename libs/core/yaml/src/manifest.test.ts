import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manifestSteps, readManifest } from "./index.ts";

const A = "apiVersion: v1\nkind: A\n";
const B = "apiVersion: v1\nkind: B\n";
const J = (kind: string): string => `{"apiVersion":"v1","kind":"${kind}"}`;

/** Which objects kubectl finds in a text, with the lines that they begin in. */
const FOUND: readonly [string, string, string][] = [
  ["one", A, "A1"],
  ["two", `${A}---\n${B}`, "A1 B4"],
  ["a separator at the end", `${A}---\n`, "A1"],
  ["a separator at the end, without its line's end", `${A}---`, "A1"],
  ["a separator at the beginning, twice", `---\n---\n${A}`, "A3"],
  ["only comments between two separators", `${A}---\n# nothing\n\n---\n${B}`, "A1 B7"],
  ["a comment behind a separator", `${A}--- # c\n${B}`, "A1 B4"],
  ["blanks behind a separator", `${A}---  \n${B}`, "A1 B4"],
  ["null documents", `${A}---\nnull\n---\n~\n---\n${B}`, "A1 B8"],
  ["nothing", "", ""],
  ["only comments", "# c\n---\n#d\n", ""],
  ["a byte order mark", `\uFEFF${A}`, "A1"],
  ["a byte order mark before a separator", `\uFEFF---\n${A}`, "A2"],
  ["lines that end with CR LF", `${A}---\n${B}`.replaceAll("\n", "\r\n"), "A1 B4"],
  ["a directive", `%YAML 1.1\n---\n${A}`, "A3"],
  ["the end mark of a document", `${A}...\n---\n${B}`, "A1 B5"],
  ["a separator inside a block of text", `${A}x: |\n  a\n---\n${B}`, "A1 B6"],
  ["JSON", J("A"), "A1"],
  ["JSON with tabs", '{\n\t"apiVersion": "v1",\n\t"kind": "A"\n}\n', "A1"],
  ["JSON objects one after the other", `${J("A")}\n${J("B")}${J("C")}`, "A1 B2 C2"],
  ["JSON and YAML", `${J("A")}\n---\n${B}---\n${J("C")}`, "A1 B3 C6"],
  ["a list", `kind: List\nitems:\n- apiVersion: v1\n  kind: A\n- ${J("B")}\n`, "A3 B5"],
  ["a list of lists", `kind: List\nitems:\n- kind: List\n  items:\n  - ${J("A")}\n`, "A5"],
  ["a list of one kind", "apiVersion: v1\nkind: AList\nitems:\n- metadata: {}\n", "A4"],
  ["an empty list", "kind: List\nitems: []\n---\nkind: List\n", ""],
];
for (const [name, text, objects] of FOUND)
  test(`found as kubectl finds it: ${name}`, () => {
    const manifest = readManifest(text);
    assert.deepEqual(manifest.errors, []);
    assert.equal(manifest.objects.map(({ value, line }) => `${value.kind}${line}`).join(" "), objects);
    for (const { value } of manifest.objects) assert.equal(value.apiVersion, "v1");
  });

const INVALID: readonly [string, string, string, number, RegExp][] = [
  ["one that is not YAML", `${A}---\nkind: [B\n---\n${B}`, "A1 B6", 5, /is not YAML/],
  ["one that is not a map", `${A}---\njust text\n---\n${B}`, "A1 B6", 4, /is not an object/],
  ["one with a key twice", `${A}---\nkind: C\nkind: D\n---\n${B}`, "A1 B7", 5, /"kind" stands twice/],
  ["one item that is not a map", `kind: List\nitems:\n- 5\n- ${J("B")}\n`, "B4", 3, /is not an object/],
  ["content in the line of a separator", `${A}--- {kind: C}\n---\n${B}`, "A1 B5", 3, /behind ---/],
  ["one that is nested too deep", `${A}---\na: ${"[".repeat(101)}\n---\n${B}`, "A1 B6", 4, /100 levels/],
  ["one that is nested too deep, in blocks", `${A}---\n${"- ".repeat(101)}a\n---\n${B}`, "A1 B6", 4, /100 levels/],
  ["one that is too large", `${A}---\nx: [${"1,".repeat(60_000)}]\n---\n${B}`, "A1 B6", 4, /more than 100000 fields/],
];
for (const [name, text, objects, line, message] of INVALID)
  test(`a document with an error does not disturb the others: ${name}`, () => {
    const manifest = readManifest(text);
    assert.equal(manifest.objects.map(({ value, line }) => `${value.kind}${line}`).join(" "), objects);
    assert.equal(manifest.errors.length, 1);
    assert.equal(manifest.errors[0]?.line, line);
    assert.match(manifest.errors[0]?.message ?? "", message);
  });

test("the line of a nested field is known", () => {
  const text =
    "# head\napiVersion: v1\nkind: List\nitems:\n- apiVersion: a\n  kind: K\n  spec:\n    http:\n    - route:\n      - weight: 1\n";
  const [object] = readManifest(text).objects;
  assert.equal(object?.line, 5);
  assert.equal(object?.lineOf(["spec", "http", 0, "route", 0, "weight"]), 10);
  assert.equal(object?.lineOf(["spec", "http", 0, "absent"]), 9);
});

const item = (i: number): string =>
  `- apiVersion: v1\n  kind: A\n  metadata:\n    name: a${i}\n    labels: {x: "${i}"}\n`;

test("a long list is read item by item, and each is what it is in a short one", () => {
  const count = 2_000;
  const list = `apiVersion: v1\nkind: List\nitems:\n${Array.from({ length: count }, (_, i) => item(i)).join("")}`;
  let pauses = 0;
  const names: string[] = [];
  for (const step of manifestSteps(list))
    if (step && "object" in step) {
      names.push((step.object.value.metadata as { name: string }).name);
      assert.equal(step.object.lineOf(["metadata", "labels"]), 3 + names.length * 5);
      assert.deepEqual(step.object.path, ["items", names.length - 1]);
    } else pauses++;
  assert.deepEqual([names.length, names.at(-1)], [count, `a${count - 1}`]);
  assert.ok(pauses > 10, "there was no pause");
  const json = JSON.stringify({ kind: "List", items: readManifest(list).objects.map(({ value }) => value) });
  assert.deepEqual(
    readManifest(json).objects.map(({ value }) => value),
    readManifest(list).objects.map(({ value }) => value),
  );
  const broken = list.replace("name: a7\n", "name: a7\n    name: b7\n");
  assert.equal(readManifest(broken).objects.length, count - 1);
  assert.match(readManifest(broken).errors[0]?.message ?? "", /"name" stands twice/);
});

test("an object that is too large is left out when it is nobody's", () => {
  const large = `apiVersion: other/v1\nkind: C\nx: [${"1,".repeat(60_000)}]\n---\n${A}`;
  const asked: string[] = [];
  const leaves = (apiVersion: string, kind: string): boolean => asked.push(`${apiVersion} ${kind}`) > 0;
  const { objects, errors } = readManifest(large, { leaves });
  assert.deepEqual([objects.length, errors.length, asked], [1, 0, ["other/v1 C"]]);
});

test("text and count have their limits", () => {
  assert.match(readManifest("a".repeat(11 << 20)).errors[0]?.message ?? "", /characters, more than/);
  const { objects, errors } = readManifest(`${A}---\n`.repeat(5), { maxObjects: 3 });
  assert.deepEqual([objects.length, errors[0]?.message], [3, "has more than 3 objects; split it"]);
});

test("no text makes it fail, and JSON is read as JSON reads it", () => {
  const part = fc.constantFrom(
    "---\n",
    "- ",
    "a: ",
    "{",
    "}",
    "[",
    "]",
    "|\n",
    "  ",
    "\n",
    '"',
    "'",
    "#",
    "&a ",
    "*a ",
    "!x ",
    "? ",
    "\t",
    "%",
    "yes",
    ",",
    ": ",
    A,
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 40 }), (parts) => void readManifest(parts.join(""))));
  const values = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 5 });
  fc.assert(
    fc.property(values, (value) => {
      const { items: _, ...object } = value;
      const text = JSON.stringify({ ...object, kind: "A" });
      if (/[\x7f-\x84\x86-\x9f]/.test(text)) return;
      assert.deepEqual(JSON.parse(JSON.stringify(readManifest(text).objects[0]?.value)), JSON.parse(text));
    }),
  );
});
