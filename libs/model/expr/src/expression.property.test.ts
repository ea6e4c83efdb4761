import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttributeValue, createVocabulary, Layout, MutableBag } from "@xebec/model-attributes";
import fc from "fast-check";
import { checkExpression, compileExpression } from "./compile.ts";
import { EvaluationError, ExpressionError } from "./expression-error.ts";
import { parse } from "./parser.ts";
import { compareBytes } from "./text.ts";

const vocabulary = createVocabulary();

/** A boolean or integer expression with the value that a plain reading gives it; undefined where it fails. */
interface Case<V> {
  readonly text: string;
  readonly value: V | undefined;
}

const { boolean } = fc.letrec<{ boolean: Case<boolean>; integer: Case<bigint> }>((tie) => ({
  integer: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.bigInt(0n, 2n ** 62n).map((value) => ({ text: String(value), value })),
    fc.constant({ text: "request.size", value: 7n }),
    fc.constant({ text: "response.size", value: undefined }),
    fc.tuple(tie("integer"), tie("integer")).map(([a, b]) => ({
      text: `(${a.text}) + (${b.text})`,
      value: a.value === undefined || b.value === undefined ? undefined : BigInt.asIntN(64, a.value + b.value),
    })),
    fc.tuple(tie("boolean"), tie("integer"), tie("integer")).map(([test, a, b]) => ({
      text: `conditional(${test.text}, ${a.text}, ${b.text})`,
      value: test.value === undefined ? undefined : test.value ? a.value : b.value,
    })),
  ),
  boolean: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.boolean().map((value) => ({ text: String(value), value })),
    fc
      .tuple(tie("integer"), tie("integer"), fc.constantFrom("==", "!=", "<", "<=", ">", ">="))
      .map(([a, b, operator]) => ({
        text: `(${a.text}) ${operator} (${b.text})`,
        value: a.value === undefined || b.value === undefined ? undefined : compare(operator, a.value, b.value),
      })),
    fc.tuple(tie("boolean"), tie("boolean")).map(([a, b]) => ({
      text: `(${a.text}) && (${b.text})`,
      value: a.value === undefined ? undefined : a.value ? b.value : false,
    })),
    fc.tuple(tie("boolean"), tie("boolean")).map(([a, b]) => ({
      text: `(${a.text}) || (${b.text})`,
      value: a.value === undefined ? undefined : a.value ? true : b.value,
    })),
  ),
}));

function compare(operator: string, a: bigint, b: bigint): boolean {
  return { "==": a === b, "!=": a !== b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[operator] as boolean;
}

test("random expressions have the value of a plain reading, or fail where it fails", () => {
  fc.assert(
    fc.property(boolean as fc.Arbitrary<Case<boolean>>, ({ text, value }) => {
      const layout = new Layout(vocabulary);
      const code = compileExpression(text, layout, "BOOL");
      const bag = new MutableBag(layout.freeze(), { "request.size": 7 });
      if (value === undefined) assert.throws(() => code.evaluate(bag), EvaluationError);
      else assert.equal(code.evaluate(bag), value as AttributeValue);
    }),
    { numRuns: 500 },
  );
});

test("any text is parsed or refused with a place inside it", () => {
  const pieces = fc.constantFrom(
    ...`a . b ( ) [ ] "x" 'c' \` 1 1.5 == && || | + , ! - type true \n "10ms" ip match request.id // /* \\ \u00e9 😀`.split(
      " ",
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(pieces).map((all) => all.join(" ")),
      ),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          const lines = text.split("\n");
          assert.ok(error.line >= 1 && error.line <= lines.length);
          assert.ok(error.column >= 1 && error.column <= [...(lines[error.line - 1] as string)].length + 1);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("a quoted text is the text, unless it is a duration", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (value) => {
      const text = JSON.stringify(value).replace(/\u2028|\u2029/g, "");
      if (JSON.parse(text) !== value || /\\\//.test(text)) return;
      const type = checkExpression(text, vocabulary);
      const layout = new Layout(vocabulary);
      const got = compileExpression(text, layout).constant;
      if (type === "STRING") assert.equal(got, value);
      else assert.equal(type, "DURATION");
    }),
  );
});

test("texts are ordered by their UTF-8 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
