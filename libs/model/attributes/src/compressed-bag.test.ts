import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressAttributes, compressWith, MessageDictionaryWriter, type TypedAttribute } from "./compress.testkit.ts";
import { CompressedBag } from "./compressed-bag.ts";
import { GLOBAL_WORDS } from "./dictionary.ts";
import { Layout } from "./layout.ts";
import { ReferenceTracker } from "./reference-tracker.ts";
import { ReportReader } from "./report-reader.ts";
import { STANDARD_ATTRIBUTES } from "./standard.ts";
import { type AttributeValue, int64, type StringMap, stringMap } from "./value.ts";
import type { ValueType } from "./value-type.ts";
import { createVocabulary } from "./vocabulary.ts";
import { Wire } from "./wire.ts";
import { WireWriter } from "./wire-writer.ts";

const layoutOf = (...names: string[]): Layout => {
  const layout = new Layout(createVocabulary([["a.double", "DOUBLE"]]));
  for (const name of names) layout.slot(name);
  return layout.freeze();
};
const bagOf = (layout: Layout, bytes: Buffer): CompressedBag => {
  const bag = new CompressedBag(layout);
  bag.start(bytes);
  bag.read(0, bytes.length, undefined, false);
  return bag;
};
const text = (name: string, value: string): TypedAttribute => ({ name, type: "STRING", value });
const report = (bags: TypedAttribute[][], independent = false, count = 221): Buffer => {
  const words = new MessageDictionaryWriter(count);
  const maps = bags.map((bag) => compressWith(words, bag));
  const writer = new WireWriter();
  for (const each of maps) writer.data(1, each);
  for (const word of words.words) writer.text(2, word);
  return writer
    .uint32(3, count)
    .uint32(4, independent ? 1 : 0)
    .finish();
};

test("the dictionary has the words of Istio 1.1 at their places", () => {
  assert.equal(GLOBAL_WORDS.length, 221);
  for (const [index, word] of [
    [0, "source.ip"],
    [94, "'200'"],
    [115, "gzip, deflate"],
    [135, "1"],
    [151, "destination.port"],
    [205, "context.proxy_error_code"],
    [218, '"-"'],
    [220, "outbound"],
  ] as const)
    assert.equal(GLOBAL_WORDS[index], word);
});

test("the vocabulary has the standard attributes; a manifest cannot change their types", () => {
  assert.equal(STANDARD_ATTRIBUTES.get("response.duration"), "DURATION");
  assert.equal(STANDARD_ATTRIBUTES.get("source.port"), undefined);
  const conflicts: string[] = [];
  const vocabulary = createVocabulary(
    [
      ["my.own", "INT64"],
      ["source.ip", "STRING"],
    ],
    (each) => conflicts.push(each.attribute),
  );
  assert.equal(vocabulary.typeOf("my.own"), "INT64");
  assert.equal(vocabulary.typeOf("source.ip"), "IP_ADDRESS");
  assert.deepEqual(conflicts, ["source.ip"]);
});

const values: Record<string, [ValueType, fc.Arbitrary<AttributeValue>]> = {
  "source.name": ["STRING", fc.string({ unit: "binary" })],
  "request.size": ["INT64", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(int64)],
  "a.double": ["DOUBLE", fc.double()],
  "connection.mtls": ["BOOL", fc.boolean()],
  "request.time": [
    "TIMESTAMP",
    fc
      .record({ seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), nanos: fc.nat(999_999_999) })
      .map((each) => ({ ...each })),
  ],
  "response.duration": ["DURATION", fc.bigInt(-(2n ** 60n), 2n ** 60n).map(int64)],
  "source.ip": ["IP_ADDRESS", fc.uint8Array({ minLength: 4, maxLength: 16 })],
  "request.headers": ["STRING_MAP", fc.dictionary(fc.string(), fc.string()).map(stringMap)],
};

test("whatever is compressed is read back, with and without the global dictionary", () => {
  const layout = layoutOf(...Object.keys(values));
  const any = fc.record(Object.fromEntries(Object.entries(values).map(([name, [, each]]) => [name, each])), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(any, fc.constantFrom(0, 100, 221), (given, count) => {
      const attributes = Object.entries(given).map(([name, value]) => ({
        name,
        type: (values[name] as [ValueType, unknown])[0],
        value: value as AttributeValue,
      }));
      const bag = bagOf(layout, compressAttributes(attributes, count));
      for (const [slot, name] of layout.names.entries()) {
        const got = bag.get(slot);
        const want = given[name] as AttributeValue | undefined;
        if (layout.types[slot] === "STRING_MAP" && want !== undefined)
          assert.deepEqual(new Map((got as StringMap).entries()), want);
        else assert.deepEqual(got, want, name);
      }
    }),
  );
});

test("cutting a message anywhere gives an error or fewer attributes, never a wrong read", () => {
  const layout = layoutOf("source.name", "request.headers", "request.size");
  const whole = compressAttributes([
    text("source.name", "reviews"),
    { name: "request.headers", type: "STRING_MAP", value: stringMap({ a: "b" }) },
    { name: "request.size", type: "INT64", value: 12345 },
  ]);
  for (let end = 0; end < whole.length; end++) {
    const bag = new CompressedBag(layout);
    bag.start(whole.subarray(0, end));
    try {
      bag.read(0, end, undefined, false);
    } catch (error) {
      assert.match((error as Error).message, /cut off|malformed/);
      continue;
    }
    const name = bag.get(0);
    assert.ok(name === undefined || name === "reviews");
    assert.ok([undefined, 12345].includes(bag.get(2) as number | undefined));
  }
});

test("a value of another type than declared is an error; integers and durations are interchangeable", () => {
  const layout = layoutOf("source.name", "response.duration");
  const bag = bagOf(
    layout,
    compressAttributes([
      { name: "source.name", type: "INT64", value: 1 },
      { name: "response.duration", type: "INT64", value: 5 },
    ]),
  );
  assert.throws(() => bag.get(0), /error converting value of 'source.name' to STRING: got int64/);
  assert.equal(bag.get(1), 5);
});

test("a value with an index that no dictionary has counts as absent", () => {
  const layout = layoutOf("source.name");
  const bytes = new WireWriter().message(2, (writer) => writer.sint32(1, 2).sint32(2, -7)).finish();
  assert.equal(bagOf(layout, bytes).get(0), undefined);
});

test("the order of map fields decides when a name is in several", () => {
  const layout = layoutOf("source.name");
  const first = new WireWriter().message(3, (writer) => writer.sint32(1, 2).int64(2, 7)).finish();
  const second = new WireWriter().message(2, (writer) => writer.sint32(1, 2).sint32(2, 90)).finish();
  assert.equal(bagOf(layout, Buffer.concat([first, second])).get(0), "GET");
  assert.equal(bagOf(layout, Buffer.concat([second, first])).get(0), "GET");
});

test("lookups are recorded: values exactly, absences, and keys of maps, not maps", () => {
  const layout = layoutOf("source.name", "source.uid", "request.headers", "source.labels");
  const tracker = new ReferenceTracker(layout);
  const bytes = compressAttributes([
    text("source.name", "x"),
    { name: "request.headers", type: "STRING_MAP", value: stringMap({ host: "h" }) },
  ]);
  const bag = new CompressedBag(layout);
  bag.tracker = tracker;
  bag.start(bytes);
  bag.read(0, bytes.length, undefined, false);
  bag.get(0);
  bag.get(0);
  bag.get(1);
  bag.get(3);
  const headers = bag.get(2) as StringMap;
  headers.get("host");
  const mark = tracker.mark;
  headers.get("none");
  assert.deepEqual(tracker.list(), [
    { name: "source.name", present: true },
    { name: "source.uid", present: false },
    { name: "source.labels", present: false },
    { name: "request.headers", key: "host", present: true },
    { name: "request.headers", key: "none", present: false },
  ]);
  const writer = new WireWriter();
  tracker.write(writer, 221);
  const wire = new Wire(writer.finish());
  const words: string[] = [];
  while (wire.pos < wire.end) {
    const tag = wire.uint32();
    if (tag === 10) words.push(wire.text());
    else wire.skip(tag & 7);
  }
  assert.deepEqual(words, ["none"]);
  tracker.rewind(mark);
  assert.equal(tracker.list().length, 4);
  tracker.rewind(0);
  bag.get(0);
  assert.deepEqual(tracker.list(), [{ name: "source.name", present: true }]);
});

test("derived values are asked for once, never replace what was sent, and are recorded as absent", () => {
  const layout = layoutOf("source.name", "source.namespace");
  const bytes = compressAttributes([text("source.name", "sent")]);
  const bag = bagOf(layout, bytes);
  let asked = 0;
  bag.tracker = new ReferenceTracker(layout);
  bag.derive = () => {
    asked++;
    return "derived";
  };
  assert.equal(bag.get(0), "sent");
  assert.equal(bag.get(1), "derived");
  assert.equal(bag.get(1), "derived");
  assert.equal(asked, 1);
  assert.deepEqual(bag.tracker.list(), [
    { name: "source.name", present: true },
    { name: "source.namespace", present: false },
  ]);
});

test("a value of the wrong type is recorded: the answer depends on it", () => {
  const layout = layoutOf("source.name");
  const bag = bagOf(layout, compressAttributes([{ name: "source.name", type: "INT64", value: 1 }]));
  bag.tracker = new ReferenceTracker(layout);
  assert.throws(() => bag.get(0), /converting value of 'source.name'/);
  assert.deepEqual(bag.tracker.list(), [{ name: "source.name", present: true }]);
});

function readReport(request: Uint8Array, bag: CompressedBag, each: (bag: CompressedBag) => unknown): Error[] {
  const reader = new ReportReader(request);
  const more = reader.read(bag, (one) => {
    each(one);
    return true;
  });
  assert.equal(more, false);
  return reader.errors;
}

test("delta encoding: later elements add to earlier ones, derived values are dropped between them", () => {
  const layout = layoutOf("source.name", "destination.name", "request.size");
  const request = report([
    [text("source.name", "a"), text("destination.name", "b")],
    [text("destination.name", "c")],
    [{ name: "request.size", type: "INT64", value: 9 }],
  ]);
  const bag = new CompressedBag(layout);
  const seen: unknown[] = [];
  const errors = readReport(request, bag, (each) => {
    seen.push([each.get(0), each.get(1), each.get(2)]);
    each.offer(2, 77);
  });
  assert.deepEqual(errors, []);
  assert.deepEqual(seen, [
    ["a", "b", undefined],
    ["a", "c", undefined],
    ["a", "c", 9],
  ]);
});

test("a report can be read in several goes", () => {
  const layout = layoutOf("source.name");
  const reader = new ReportReader(report([[text("source.name", "a")], [text("source.name", "b")], []]));
  const bag = new CompressedBag(layout);
  const seen: unknown[] = [];
  const one = (each: CompressedBag): boolean => {
    seen.push(each.get(0));
    return false;
  };
  assert.deepEqual(
    [reader.size, reader.read(bag, one), reader.read(bag, one), reader.read(bag, one)],
    [3, true, true, false],
  );
  assert.deepEqual([seen, reader.delivered], [["a", "b", "b"], 3]);
});

test("independent encoding: every element stands alone", () => {
  const layout = layoutOf("source.name", "destination.name");
  const seen: unknown[] = [];
  const request = report([[text("source.name", "a")], [text("destination.name", "c")]], true);
  readReport(request, new CompressedBag(layout), (each) => seen.push([each.get(0), each.get(1)]));
  assert.deepEqual(seen, [
    ["a", undefined],
    [undefined, "c"],
  ]);
});

test("a later delta element with an unknown index or a doubled name is skipped, the others are delivered", () => {
  const layout = layoutOf("source.name");
  const good = compressAttributes([text("source.name", "GET")], 221);
  const unknown = new WireWriter().message(2, (writer) => writer.sint32(1, 2).sint32(2, -9)).finish();
  const doubled = new WireWriter()
    .message(2, (writer) => writer.sint32(1, 2).sint32(2, 91))
    .message(3, (writer) => writer.sint32(1, 2).int64(2, 1))
    .finish();
  const writer = new WireWriter();
  for (const each of [good, unknown, doubled, good]) writer.data(1, each);
  const seen: unknown[] = [];
  const errors = readReport(writer.finish(), new CompressedBag(layout), (each) => seen.push(each.get(0)));
  assert.deepEqual(seen, ["GET", "GET"]);
  assert.deepEqual(
    errors.map((each) => each.message),
    [
      "attribute index -9 is not defined in the available dictionaries",
      "duplicate attribute 'source.name' in one element",
    ],
  );
});

test("a caller that knows more words than there are is refused", () => {
  const bag = new CompressedBag(layoutOf());
  assert.throws(
    () => readReport(report([], false, 222), bag, () => undefined),
    /mixer knows 221 words, caller knows 222/,
  );
});
