import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BucketState } from "./bucket-state.ts";
import { plain, text } from "./bus.testkit.ts";
import { encodeCommit } from "./commit.ts";
import { HashedEntries } from "./hashed-entries.ts";

type Event =
  | { readonly entry: string; readonly value?: string }
  | { readonly commit: string; readonly of?: Readonly<Record<string, string>>; readonly revision?: number }
  | { readonly event: "confirmed" }
  | { readonly event: "listed" | "lost"; readonly store: string }
  | { readonly event: "forged"; readonly key: string };

/** `s: {a: 1}` is committed by the source `s`. */
function commit(of: Readonly<Record<string, string>>, revision: number): Uint8Array {
  const hashed = new HashedEntries(undefined);
  for (const [key, value] of Object.entries(of)) hashed.set(key, text(value));
  return encodeCommit({ revision, hash: hashed.hash });
}

function feed(state: BucketState, event: Event): void {
  if ("entry" in event) state.entry(event.entry, event.value === undefined ? undefined : text(event.value));
  else if ("commit" in event) state.entry(`${event.commit}!`, event.of && commit(event.of, event.revision ?? 1));
  else if (event.event === "confirmed") state.confirmed();
  else if (event.event === "forged") state.forged(event.key);
  else if (event.event === "listed") state.listed(event.store);
  else state.lost(event.store);
}

const one: readonly Event[] = [
  { entry: "s:a", value: "1" },
  { commit: "s", of: { a: "1" } },
  { event: "listed", store: "A" },
];
const two: readonly Event[] = [{ entry: "t:b", value: "2" }, { commit: "t", of: { b: "2" } }, ...one];

/** Events, and what a reader has then. */
const CASES: readonly {
  readonly name: string;
  readonly events: readonly Event[];
  readonly phase: string;
  readonly entries: Readonly<Record<string, string>>;
  readonly kept?: readonly string[];
}[] = [
  { name: "nothing", events: [], phase: "listing", entries: {} },
  { name: "a revision before the end of the listing", events: one.slice(0, 2), phase: "listing", entries: {} },
  { name: "an empty bucket", events: [{ event: "listed", store: "A" }], phase: "unpublished", entries: {} },
  { name: "a revision", events: one, phase: "whole", entries: { a: "1" } },
  { name: "entries without a commit", events: [one[0] as Event, one[2] as Event], phase: "incomplete", entries: {} },
  {
    name: "a revision that is being written",
    events: [...one, { entry: "s:a", value: "2" }],
    phase: "whole",
    entries: { a: "1" },
  },
  {
    name: "a writer that died in the middle",
    events: [...one, { entry: "s:a", value: "2" }, { event: "confirmed" }],
    phase: "incomplete",
    entries: { a: "1" },
  },
  {
    name: "the next revision",
    events: [...one, { entry: "s:a", value: "2" }, { commit: "s", of: { a: "2" }, revision: 2 }],
    phase: "whole",
    entries: { a: "2" },
  },
  {
    name: "a commit before its entries",
    events: [
      ...one,
      { commit: "s", of: { a: "2" }, revision: 2 },
      { entry: "s:a", value: "2" },
      { event: "confirmed" },
    ],
    phase: "whole",
    entries: { a: "2" },
  },
  { name: "two sources", events: two, phase: "whole", entries: { a: "1", b: "2" } },
  {
    name: "one of two sources that is incomplete at the start",
    events: [{ entry: "t:b", value: "2" }, ...one],
    phase: "incomplete",
    entries: {},
  },
  {
    name: "one of two sources that is incomplete later",
    events: [
      ...two,
      { entry: "t:b", value: "3" },
      { entry: "s:a", value: "9" },
      { commit: "s", of: { a: "9" }, revision: 2 },
    ],
    phase: "incomplete",
    entries: { a: "9", b: "2" },
  },
  { name: "a source that ended", events: [...two, { commit: "t" }], phase: "whole", entries: { a: "1" } },
  {
    name: "the last source, which never ends",
    events: [...one, { commit: "s" }],
    phase: "incomplete",
    entries: { a: "1" },
    kept: ["s"],
  },
  {
    name: "a store that was lost",
    events: [...one, { event: "lost", store: "B" }],
    phase: "incomplete",
    entries: { a: "1" },
    kept: ["s"],
  },
  {
    name: "a lost store in which one of two sources publishes again",
    events: [...two, { event: "lost", store: "B" }, { entry: "s:a", value: "1" }, { commit: "s", of: { a: "1" } }],
    phase: "incomplete",
    entries: { a: "1", b: "2" },
    kept: ["t"],
  },
  {
    name: "a commit that nobody who may has written, in the place of one of two",
    events: [...two, { event: "forged", key: "t!" }, { commit: "t" }],
    phase: "whole",
    entries: { a: "1" },
  },
  {
    name: "a source that may not publish here",
    events: [...one, { entry: "evil:a", value: "0" }, { commit: "evil", of: { a: "0" } }],
    phase: "whole",
    entries: { a: "1" },
  },
];

describe("what a reader has of a bucket after", () => {
  for (const { name, events, phase, entries, kept = [] } of CASES)
    it(name, () => {
      const state = new BucketState((source) => source !== "evil");
      for (const event of events) feed(state, event);
      assert.deepEqual(
        { phase: state.phase, entries: plain(state.entries), kept: state.kept },
        { phase, entries, kept: [...kept] },
      );
    });

  it("garbage in the place of a commit: the source waits, and has not ended", () => {
    const state = new BucketState(() => true);
    for (const event of two) feed(state, event);
    state.entry("t!", text('{"stream":"KV_status","seq":5}'));
    assert.deepEqual([state.phase, plain(state.entries), state.incomplete], ["incomplete", { a: "1", b: "2" }, ["t"]]);
  });

  it("a cache file: what it remembers is served until the bus confirms it, and goes with its source", () => {
    const first = new BucketState(() => true);
    for (const event of two) feed(first, event);
    const state = new BucketState(() => true);
    assert.equal(state.restore(first.remembered())?.first, true);
    assert.deepEqual([state.phase, state.isServing, plain(state.entries)], ["listing", true, { a: "1", b: "2" }]);
    for (const event of one) feed(state, event);
    assert.deepEqual([state.phase, plain(state.entries)], ["whole", { a: "1" }]);
    assert.deepEqual(state.position, { revisions: { s: 1, t: 1 }, incarnation: "A" });
  });
});
