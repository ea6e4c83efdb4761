import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import fc from "fast-check";
import { Ledger } from "./ledger.ts";
import { readId, SeenIds, WORDS } from "./seen-ids.ts";

const idOf = (number: number): Uint32Array => Uint32Array.of(number, 7, 7, 1);
const open = (dir: string, large?: number) => new Ledger({ dir, seen: new SeenIds(64), ...(large ? { large } : {}) });

/** A service in small: counters that it keeps, and entries that it counts. */
class Counters {
  readonly ledger: Ledger;
  readonly values = new Map<string, number>();
  readonly #slots = new Map<string, { changed(): void; forget(): void }>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
    for (const [key, [value = 0]] of ledger.group("g").entries()) {
      this.values.set(key, value);
      this.#slot(key);
    }
  }

  #slot(key: string) {
    let slot = this.#slots.get(key);
    if (!slot) {
      slot = this.ledger.group("g").slot(key, () => [this.values.get(key) ?? 0]);
      this.#slots.set(key, slot);
    }
    return slot;
  }

  count(id: number, key: string): void {
    if (!this.ledger.enter(idOf(id))) return;
    this.values.set(key, (this.values.get(key) ?? 0) + 1);
    this.#slot(key).changed();
  }

  forget(key: string): void {
    this.#slot(key).forget();
    this.#slots.delete(key);
    this.values.delete(key);
  }

  get state(): string {
    return JSON.stringify([...this.values].sort());
  }
}

test("killed at any byte, it has whole commits; what is sent again is counted once", async () => {
  const batches = fc.array(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.constantFrom("a", "b", "c")), { maxLength: 6 }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(batches, fc.double({ min: 0, max: 1, noNaN: true }), async (list, share) => {
      using folder = tempDir();
      const dir = folder.file("whole");
      mkdirSync(dir);
      const counters = new Counters(open(dir));
      const path = join(dir, "reports.1.ledger");
      const states = [{ size: readFileSync(path).length, state: counters.state }];
      for (const batch of list) {
        for (const [id, key] of batch) counters.count(id, key);
        await counters.ledger.commit();
        states.push({ size: readFileSync(path).length, state: counters.state });
      }
      const end = counters.state;
      const bytes = readFileSync(path);
      const cut = Math.floor(share * bytes.length);
      const torn = folder.file("torn");
      mkdirSync(torn);
      writeFileSync(join(torn, "reports.1.ledger"), bytes.subarray(0, cut));
      const again = new Counters(open(torn));
      assert.equal(again.state, states.findLast(({ size }) => size <= cut)?.state ?? "[]");
      // The proxies send everything again.
      for (const batch of list) for (const [id, key] of batch) again.count(id, key);
      await again.ledger.commit();
      assert.equal(again.state, end);
      assert.equal(new Counters(open(torn)).state, end, "it goes on in the same file");
    }),
    { numRuns: 40 },
  );
});

test("a large file is copied to a new one, piece by piece; killed after any piece, everything is there", async () => {
  using folder = tempDir();
  const dir = folder.file("ledger");
  mkdirSync(dir);
  let copies = 0;
  let counters = new Counters(open(dir, 2_000));
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 5; i++) counters.count(1 + round * 5 + i, `key ${i % 3}`);
    if (round % 7 === 3) counters.forget("key 1");
    await counters.ledger.commit();
    counters.ledger.tidy();
    copies += readdirSync(dir).length > 1 ? 1 : 0;
    // As the files are now they would be found after a kill.
    const killed = folder.file(`killed-${round}`);
    mkdirSync(killed);
    for (const name of readdirSync(dir)) copyFileSync(join(dir, name), join(killed, name));
    const found = new Counters(open(killed));
    assert.equal(found.state, counters.state);
    found.count(1 + round * 5, "key 0");
    assert.equal(found.state, counters.state, "ids are copied, too");
    if (round % 10 === 9) counters = found.ledger === counters.ledger ? counters : new Counters(open(dir, 2_000));
  }
  assert.ok(copies > 2, "it was never copied");
});

test("what cannot be written is not acknowledged, and is in the next commit", async () => {
  using folder = tempDir();
  const dir = folder.file("ledger");
  mkdirSync(dir);
  const counters = new Counters(open(dir));
  await counters.ledger.component().close?.();
  counters.count(1, "a");
  await assert.rejects(counters.ledger.commit(), /cannot be kept; try again/);
  assert.equal(counters.ledger.isDirty, true);
});

test("ids: UUIDs and other texts, in bounded memory, those of late are known", () => {
  const id = new Uint32Array(WORDS);
  const read = (text: string): readonly number[] | undefined =>
    readId(Buffer.from(text), 0, text.length, id) ? [...id] : undefined;
  assert.deepEqual(read("00000001-0002-0003-0004-000500000006"), [1, 0x00020003, 0x00040005, 6]);
  assert.notDeepEqual(read("a".repeat(36)), read("b".repeat(36)));
  assert.equal(read(""), undefined);
  assert.equal(read("x".repeat(129)), undefined);
  const seen = new SeenIds(1024);
  for (let i = 1; i <= 10_000; i++) {
    assert.equal(seen.add(idOf(i)), true, String(i));
    if (i > 1000) assert.equal(seen.add(idOf(i - 1000)), false, `${i - 1000} was forgotten`);
    assert.ok(seen.size <= 2048);
  }
});
