import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type TSchema, Type } from "typebox";
import {
  anything,
  bool,
  bytes,
  double,
  duration,
  enumeration,
  field,
  int32,
  int64,
  list,
  map,
  message,
  openMessage,
  readProtoJson,
  required,
  string,
  struct,
  uint32,
  unsupported,
  violationsText,
} from "./index.ts";

const Mode = enumeration(
  { OFF: 0, SIMPLE: 1, MUTUAL: 3, LATER: 4, BEFORE: 7 },
  { unsupported: { LATER: "", BEFORE: "write SIMPLE" } },
);
const Inner = message("Inner", {
  name: required(string({ minLength: 1 }), "A name."),
  perTry: field(duration(), "A time."),
});
const Whole = message(
  "Whole",
  {
    count: field(int32({ minimum: 1, maximum: 100 }), "A count."),
    size: field(uint32(), "A size."),
    large: field(int64(), "A large number."),
    part: field(double({ minimum: 0, maximum: 100 }), "A part."),
    on: field(bool(), "A switch."),
    mode: field(Mode, "A mode."),
    body: field(bytes(), "A body."),
    labels: field(map(string()), "Labels."),
    ports: field(map(Inner, "^[1-9][0-9]{0,4}$"), "By port."),
    list: field(list(Inner, { minItems: 1 }), "A list."),
    extra: field(anything(), "Anything."),
    params: field(struct(), "Parameters."),
    open: field(openMessage("Open", { known: field(string(), "Known.") }), "Partly known."),
  },
  { unsupported: unsupported("dropped", { configScope: "write exportTo" }) },
);

const read = (value: unknown, schema: TSchema = Whole): unknown => {
  const result = readProtoJson(schema, value);
  assert.equal(violationsText(result.violations), "");
  return result.value;
};
const wrong = (value: unknown, schema: TSchema = Whole): string =>
  violationsText(readProtoJson(schema, value).violations);

describe("protobuf's JSON form is read into one form", () => {
  const table: readonly [name: string, given: unknown, expected: unknown][] = [
    [
      "a number in a string",
      { count: "5", size: "4294967295", part: "1.5" },
      { count: 5, size: 4_294_967_295, part: 1.5 },
    ],
    [
      "an exponent, and a fraction of zero",
      { count: "1e1", size: "2.0", part: "5E-1" },
      { count: 10, size: 2, part: 0.5 },
    ],
    ["a large number in a string", { large: "9007199254740991" }, { large: Number.MAX_SAFE_INTEGER }],
    ["an enum by name and by number", { mode: "MUTUAL" }, { mode: "MUTUAL" }],
    ["the number of an enum's value", { mode: 3 }, { mode: "MUTUAL" }],
    ["the number zero of an enum's value", { mode: 0 }, { mode: "OFF" }],
    [
      "names in snake_case, also inside",
      { list: [{ name: "a", per_try: "1s" }] },
      { list: [{ name: "a", perTry: "1s" }] },
    ],
    ["null as absent, also for what is not supported", { count: null, labels: null, dropped: null }, {}],
    ["keys of maps as they are", { labels: { per_try: "x", __proto__: "y" } }, { labels: { per_try: "x" } }],
    ["maps of messages", { ports: { 80: { name: "a" } } }, { ports: { 80: { name: "a" } } }],
    ["base64 of both alphabets", { body: "_-8" }, { body: "/+8=" }],
    [
      "whatever is not looked at",
      { extra: [null, { a_b: 1 }], params: { a_b: null } },
      { extra: [null, { a_b: 1 }], params: { a_b: null } },
    ],
    [
      "fields beside known ones, where they may be",
      { open: { known: "a", other: 1 } },
      { open: { known: "a", other: 1 } },
    ],
    ["Go's durations", { list: [{ name: "a", perTry: "1h2m0.5s" }] }, { list: [{ name: "a", perTry: "1h2m0.5s" }] }],
  ];
  for (const [name, given, expected] of table) it(name, () => assert.deepEqual(read(given), expected));

  it("what was read reads as itself", () => {
    for (const [, given] of table) assert.deepEqual(read(read(given)), read(given));
  });

  it("keeps a key of a map that every object has", () => {
    const value = JSON.parse('{"labels":{"__proto__":"x","constructor":"y"}}') as object;
    assert.equal(JSON.stringify(read(value)), JSON.stringify(value));
  });
});

describe("what is wrong is reported with its path", () => {
  const table: readonly [given: unknown, expected: string][] = [
    [{ count: "" }, 'count: must be an integer from 1 to 100, not ""'],
    [{ count: " 5" }, 'count: must be an integer from 1 to 100, not " 5"'],
    [{ count: "0x5" }, 'count: must be an integer from 1 to 100, not "0x5"'],
    [{ count: "1.5" }, 'count: must be an integer from 1 to 100, not "1.5"'],
    [{ count: "101" }, 'count: must be an integer from 1 to 100, not "101"'],
    [{ count: true }, "count: must be an integer from 1 to 100, not true"],
    [{ large: "9007199254740993" }, 'large: must be an integer, not "9007199254740993"'],
    [{ part: "NaN" }, 'part: must be a number from 0 to 100, not "NaN"'],
    [{ on: "true" }, 'on: must be true or false, not "true"'],
    [{ mode: "NONE" }, 'mode: must be one of OFF, SIMPLE, MUTUAL, not "NONE"'],
    [{ mode: 2 }, "mode: must be one of OFF, SIMPLE, MUTUAL, not 2"],
    [{ mode: "3" }, 'mode: must be one of OFF, SIMPLE, MUTUAL, not "3"'],
    [{ mode: "LATER" }, "mode: LATER is not supported by this version"],
    [{ mode: 7 }, "mode: BEFORE is not supported by this version; write SIMPLE"],
    [{ body: "a" }, 'body: "a" is not base64'],
    [{ body: "a b=" }, 'body: "a b=" is not base64'],
    [{ labels: { version: 1 } }, "labels.version: must be a string, not 1; put it in quotes"],
    [{ labels: { version: null } }, "labels.version: must be a string, not null"],
    [{ labels: [] }, "labels: must be a map, not a list"],
    [{ ports: { "0": { name: "a" } } }, 'ports["0"]: is not a valid key here'],
    [{ list: {} }, "list: must be a list, not a map"],
    [{ list: [] }, "list: must not be empty"],
    [{ list: [null] }, "list[0]: must be a map, not empty"],
    [{ list: [{}] }, "list[0].name: is required"],
    [{ list: [{ name: "" }] }, "list[0].name: must not be empty"],
    [
      { list: [{ name: "a", perTry: 5 }] },
      "list[0].perTry: must be a duration, not 5; write for example 1s, 500ms or 1m30s",
    ],
    [
      { list: [{ name: "a", per_try: "soon" }] },
      'list[0].perTry: "soon" is not a duration; write for example 1s, 500ms or 1m30s',
    ],
    [{ list: [{ name: "a", per_try: "1s", perTry: "1s" }] }, "list[0].per_try: is set twice, also as perTry"],
    [{ cout: 1 }, "cout: unknown field; did you mean count?"],
    [{ list: [{ name: "a", nothing: 1 }] }, "list[0].nothing: unknown field; known are name, perTry"],
    [{ constructor: 1 }, "constructor: unknown field"],
    [
      { dropped: 1, config_scope: "x" },
      "dropped: is not supported by this version; config_scope: is not supported by this version; write exportTo",
    ],
    [7, "must be a map, not 7"],
  ];
  for (const [given, expected] of table)
    it(JSON.stringify(given), () => assert.ok(wrong(given).startsWith(expected), `${wrong(given)} | ${expected}`));

  it("reports what is required once, with what the schema says of it", () => {
    const schema = message(
      "A",
      { hosts: required(list(string(), { minItems: 1 }), "Hosts.") },
      { whenAbsent: { hosts: "is required, since" } },
    );
    assert.equal(wrong({}, schema), "hosts: is required, since");
    assert.equal(wrong({ hosts: [] }, schema), "hosts: must not be empty");
    assert.equal(wrong({ hosts: null }, schema), "hosts: is required, since");
  });
});

it("reads the first alternative that fits", () => {
  const schema = Type.Union([int32({ maximum: 599 }), Type.Literal("any"), list(string())]);
  for (const value of [5, "any", ["a"]]) assert.deepEqual(read(value, schema), value);
  assert.match(wrong("none", schema), /^must be an integer .*, not "none"$/);
});

it("stops at sixty-four levels", () => {
  let deep: unknown = {};
  for (let i = 0; i < 10_000; i++) deep = [deep];
  const schema: { items?: object; type: string } = { type: "array" };
  schema.items = schema;
  assert.match(wrong(deep, schema as TSchema), /is nested more than 64 levels deep$/);
});

it("never throws, whatever a value is", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readProtoJson(Whole, value)));
});
