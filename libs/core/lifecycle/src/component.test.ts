import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Component, compose, missingOf } from "./component.ts";

const signal = new AbortController().signal;

/** Components that write down what becomes of them; those in `fails` fail. */
function recorded(fails: readonly string[] = []): { journal: string[]; make(name: string): Component } {
  const journal: string[] = [];
  const step = async (text: string): Promise<void> => {
    journal.push(text);
    if (fails.includes(text)) throw new Error(`${text} failed`);
  };
  return {
    journal,
    make: (name) => ({ name, start: () => step(`start ${name}`), close: () => step(`close ${name}`) }),
  };
}

describe("components as one", () => {
  it("start in order and close in reverse order", async () => {
    const { journal, make } = recorded();
    const all = compose("all", [make("a"), make("b"), make("c")]);
    await all.start(signal);
    await all.close?.();
    assert.deepEqual(journal, ["start a", "start b", "start c", "close c", "close b", "close a"]);
  });

  it("close what had started when one fails to start, and report why", async () => {
    const { journal, make } = recorded(["start b"]);
    await assert.rejects(compose("all", [make("a"), make("b"), make("c")]).start(signal), /start b failed/);
    assert.deepEqual(journal, ["start a", "start b", "close b", "close a"]);
  });

  it("close all the others when one fails to close", async () => {
    const { journal, make } = recorded(["close b"]);
    const all = compose("all", [make("a"), make("b"), make("c")]);
    await all.start(signal);
    await assert.rejects(async () => all.close?.(), {
      name: "AggregateError",
      message: "all: 1 components failed to close",
    });
    assert.deepEqual(journal.slice(3), ["close c", "close b", "close a"]);
  });

  it("close once, however often they are asked", async () => {
    const { journal, make } = recorded();
    const all = compose("all", [make("a")]);
    await all.start(signal);
    await all.close?.();
    await all.close?.();
    assert.deepEqual(journal, ["start a", "close a"]);
  });

  it("start no further one when they are closed during the start", async () => {
    const { journal, make } = recorded();
    const slow = Promise.withResolvers<void>();
    const all = compose("all", [{ name: "slow", start: () => slow.promise }, make("b")]);
    const started = all.start(signal);
    await all.close?.();
    slow.resolve();
    await started;
    assert.deepEqual(journal, []);
  });

  it("nest, and name what is missing", () => {
    const waiting: Component = { name: "bus", start: async () => undefined, missing: () => ["no server answers"] };
    const quiet: Component = { name: "http", start: async () => undefined };
    assert.deepEqual(missingOf([compose("inner", [waiting, quiet]), quiet]), ["inner: bus: no server answers"]);
  });
});
