import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { traced } from "./index.ts";

/** What becomes of a span, in order. */
const journal: string[] = [];

function spanOf(name: string): Span {
  return {
    recordException: (error: Error) => void journal.push(`${name}: ${error.message}`),
    setStatus: ({ code }: { code: SpanStatusCode }) => void journal.push(`${name}: ${SpanStatusCode[code]}`),
    end: () => void journal.push(`${name} ends`),
  } as unknown as Span;
}

const tracer = {
  startActiveSpan: (name: string, options: SpanOptions, work: (span: Span) => unknown) => {
    journal.push(`${name} begins ${JSON.stringify(options.attributes ?? {})}`);
    return work(spanOf(name));
  },
} as unknown as Tracer;

describe("work inside a span", () => {
  before(() => trace.setGlobalTracerProvider({ getTracer: () => tracer } as TracerProvider));
  after(() => trace.disable());

  it("gives its result and ends the span", () => {
    journal.length = 0;
    assert.equal(
      traced("push", { attributes: { proxies: 2 } }, () => 7),
      7,
    );
    assert.deepEqual(journal, ['push begins {"proxies":2}', "push ends"]);
  });

  it("that is not done at once ends the span when it is", async () => {
    journal.length = 0;
    const gate = Promise.withResolvers<number>();
    const result = traced("push", {}, () => gate.promise);
    assert.deepEqual(journal, ["push begins {}"]);
    gate.resolve(7);
    assert.equal(await result, 7);
    assert.deepEqual(journal, ["push begins {}", "push ends"]);
  });

  it("that fails is recorded, and fails all the same", async () => {
    const fail = (): never => {
      throw new Error("no");
    };
    const expected = ["push begins {}", "push: no", "push: ERROR", "push ends"];
    journal.length = 0;
    assert.throws(() => traced("push", {}, fail), { message: "no" });
    assert.deepEqual(journal, expected);
    journal.length = 0;
    await assert.rejects(
      traced("push", {}, () => Promise.reject(new Error("no"))),
      { message: "no" },
    );
    assert.deepEqual(journal, expected);
  });
});

it("without a provider the work is simply done", () => {
  assert.equal(
    traced("push", {}, (span) => typeof span.end),
    "function",
  );
});
