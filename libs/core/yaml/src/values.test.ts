import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readYaml, writeYaml, YamlError } from "./index.ts";

/** What sigs.k8s.io/yaml makes of a scalar; found by asking it. */
const SCALARS: readonly [unknown, string][] = [
  [true, "y Y yes Yes YES on On ON true True TRUE"],
  [false, "n N no No NO off Off OFF false False FALSE"],
  [null, "null Null NULL ~"],
  [511, "0777 0o777"],
  [8, "08"],
  [31, "0x1F 0X1f 0x1_F"],
  [5, "0b101"],
  [-3, "-0b11"],
  [-7, "-0o7"],
  [12, '+12 12 !!int "12"'],
  [1000, "1_000 1e3 1E3 1e+3 +1e3"],
  [10.5, "1_0.5"],
  [0.5, ".5 +.5 0.5"],
  [5, "5."],
  [0, "0 -0 00 +0 0.0 0."],
  [777.5, "0777.5"],
];
const TEXTS =
  "yEs tRue nULL 0o8 0b12 _1 1e999 inf nan 190:20:30 1:20 2001-01-01 2001-12-14t21:59:43.10-05:00 1.2.3 v1 = << 0b 0x 0o 1e .e1 . + 1,000 $x a:b --0x1 1-2";
const TAGGED: readonly [unknown, string][] = [
  ["yes", "!!str yes"],
  ["12", "! 12"],
  ["null", "!!str null"],
  ["", "!!str"],
  [true, '!!bool "yes"'],
  [1, "!!float 1"],
  ["hello", "!!binary aGVsbG8="],
  ["2001-01-01", "!!timestamp 2001-01-01"],
  ["x", "!mine x"],
  [null, ""],
  ["yes", "'yes'"],
  ["0777", '"0777"'],
];

test("a scalar means what it means to kubectl", () => {
  for (const [value, words] of SCALARS)
    for (const word of words.match(/!!\w+ "\w+"|\S+/g) ?? [])
      assert.deepEqual(readYaml(`a: ${word}\n`), { a: value }, word);
  for (const word of TEXTS.split(" ")) assert.deepEqual(readYaml(`a: ${word}\n`), { a: word }, word);
  for (const [value, text] of TAGGED) assert.deepEqual(readYaml(`a: ${text}\n`), { a: value }, text);
});

test("a key is a string, as JSON has it", () => {
  for (const [key, name] of [
    ["yes", "true"],
    ["1", "1"],
    ["1e3", "1000"],
    ["0777", "511"],
    ["'yes'", "yes"],
    ["2001-01-01", "2001-01-01"],
  ] as const)
    assert.deepEqual(readYaml(`${key}: v\n`), { [name]: "v" });
  const { __proto__: inherited, ...own } = readYaml('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
  assert.deepEqual(own, {});
  assert.deepEqual(inherited, { polluted: true });
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("merge keys work in their order, and the first of a list wins", () => {
  for (const [text, value] of [
    ["b: &b {x: 1, z: 2}\nc:\n  <<: *b\n  z: 3\n", { x: 1, z: 3 }],
    ["b: &b {x: 1}\nd: &d {x: 2, z: 3}\nc:\n  <<: [*b, *d]\n", { x: 1, z: 3 }],
    ["b: &b {x: 1}\nc:\n  x: 5\n  <<: *b\n", { x: 1 }],
    ["c:\n  <<: {a: 1}\n  b: 2\n", { a: 1, b: 2 }],
    ["c:\n  '<<': {a: 1}\n", { "<<": { a: 1 } }],
  ] as const)
    assert.deepEqual((readYaml(text) as { c: unknown }).c, value, text);
});

const REFUSED: readonly [string, string, number, RegExp][] = [
  ["a key twice", "x: 0\na: 1\na: 2\n", 3, /"a" stands twice/],
  ["a key twice, written otherwise", 'yes: 1\n"true": 2\n', 2, /"true" stands twice/],
  ["a key that is a list", "? [a]\n: b\n", 1, /a key must be a string/],
  ["an empty key", "~: b\n", 1, /a key must be a string/],
  ["a merge of a number", "c:\n  <<: 5\n", 2, /<< needs a map/],
  ["an alias without anchor", "a: *x\n", 1, /no anchor &x/],
  ["an anchor that holds itself", "a: &x [*x]\n", 1, /holds itself/],
  ["no number", "a: .inf\n", 1, /not a number of JSON/],
  ["a wrong tag", "a: !!int yes\n", 1, /"yes" is no !!int/],
  ["a tab before a key", "a:\n\tb: c\n", 2, /is not YAML/],
  ["a control character", "a: 1\nb: \x01\n", 2, /control character 0x01/],
  ["what is open", "a: [\n", 2, /is not YAML/],
  ["several documents", "a: 1\n---\nb: 2\n", 3, /several documents/],
];
for (const [name, text, line, message] of REFUSED)
  test(`refused with its line: ${name}`, () =>
    assert.throws(
      () => readYaml(text),
      (error) => error instanceof YamlError && error.line === line && message.test(error.text),
    ));

test("an empty document beside the one does no harm", () => {
  for (const text of ["a: 1\n---\n", "---\na: 1\n", "---\n---\na: 1\n", "\uFEFFa: 1\n", "a: 1\r\n...\r\n"])
    assert.deepEqual(readYaml(text), { a: 1 }, text);
  for (const text of ["", "# c\n", "---\n", "\n\n"]) assert.equal(readYaml(text), null);
});

test("aliases may stand for much, but not for everything", () => {
  assert.equal((readYaml(`a: &a x\nb: [${Array(5_000).fill("*a").join()}]\n`) as { b: unknown[] }).b.length, 5_000);
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [i, name] of [..."bcdefghi"].entries())
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`);
  assert.throws(() => readYaml(bomb.join("\n")), /aliases stand for more than 100000 values/);
});

test("what is written is read back as the same value", () => {
  const words = `${SCALARS.map(([, each]) => each).join(" ")} ${TEXTS}`.split(" ");
  for (const word of words) assert.deepEqual(readYaml(writeYaml({ [word]: [word] })), { [word]: [word] }, word);
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(value, (each) => {
      if (/[\x7f-\x84\x86-\x9f]/.test(JSON.stringify(each))) return;
      const json: unknown = JSON.parse(JSON.stringify(each));
      assert.deepEqual(JSON.stringify(readYaml(writeYaml(json))), JSON.stringify(json));
    }),
  );
});
