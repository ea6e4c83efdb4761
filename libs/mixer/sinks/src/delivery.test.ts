import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import {
  type Delivery,
  type DeliveryCounts,
  type DeliveryOptions,
  handlerContext,
  RejectedError,
} from "@xebec/mixer-sdk";
import { createDeliver } from "./delivery.ts";
import type { SharedQueue } from "./outbox.ts";
import { ManualClock } from "./testkit.ts";

type Work = Parameters<SharedQueue["consume"]>[1];

/** A bus in memory that gives items to whoever consumes, again and again until they are done. */
class FakeQueue implements SharedQueue {
  connected = true;
  error: Error | undefined;
  readonly items: { readonly data: Uint8Array; readonly addedAt: number; taken: boolean }[] = [];
  readonly #works: Work[] = [];
  #round = 0;

  async add(_key: string, data: Uint8Array): Promise<void> {
    if (this.error) throw this.error;
    this.items.push({ data, addedAt: 0, taken: false });
    this.pump();
  }

  consume(_key: string, work: Work): { close(): void } {
    this.#works.push(work);
    this.pump();
    return { close: () => void this.#works.splice(this.#works.indexOf(work), 1) };
  }

  pump(): void {
    for (const item of this.items) {
      const work = this.#works[this.#round++ % this.#works.length];
      if (item.taken || !work) continue;
      item.taken = true;
      void work({ data: item.data, addedAt: Date.now() }).then((outcome) => {
        if (outcome === "done") this.items.splice(this.items.indexOf(item), 1);
        else item.taken = false;
        if (outcome !== "done") this.pump();
      });
    }
  }
}

interface Sink {
  readonly sent: number[][];
  error: Error | undefined;
  hang: Promise<void> | undefined;
}

function open(
  given: Partial<DeliveryOptions<number>> = {},
  queue?: SharedQueue,
): { sink: Sink; clock: ManualClock; health: string[]; delivery: Delivery<number> } {
  const sink: Sink = { sent: [], error: undefined, hang: undefined };
  const clock = new ManualClock(Date.now());
  const health: string[] = [];
  const context = handlerContext({ clock, health: (state) => void health.push(state) });
  const delivery = createDeliver({ queue })<number>({
    ...{ context, adapter: "test" },
    async send(records) {
      await sink.hang;
      if (sink.error) throw sink.error;
      sink.sent.push([...records]);
    },
    ...given,
  });
  return { sink, clock, health, delivery };
}

/** What every count of a delivery keeps to. */
function addsUp({ accepted, delivered, dropped, waiting }: DeliveryCounts): void {
  const lost = Object.values(dropped).reduce((sum, each) => sum + each, 0);
  assert.equal(accepted, delivered + lost + waiting);
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test("records gather for the interval, or until a batch is full, and are sent in their order", async () => {
  const { sink, clock, delivery } = open({ intervalMs: 500, maxRecords: 3 });
  void delivery.add([1]);
  void delivery.add([2]);
  clock.advance(499);
  assert.deepEqual(sink.sent, []);
  clock.advance(1);
  await settled();
  assert.deepEqual(sink.sent, [[1, 2]]);
  void delivery.add([3, 4, 5, 6]);
  await settled();
  await settled();
  assert.deepEqual(sink.sent.flat(), numbers(1, 7));
  assert.ok(sink.sent.every((each: readonly number[]) => each.length <= 3));
  addsUp(delivery.counts);
  assert.deepEqual([delivery.counts.delivered, delivery.counts.waiting], [6, 0]);
});

test("a dead sink: its records are sent again with pauses, in memory that has a limit, and health says so", async () => {
  const { sink, clock, health, delivery } = open({ intervalMs: 0, capacity: 5 });
  sink.error = new Error("refused");
  void delivery.add([1, 2]);
  await settled();
  assert.deepEqual([sink.sent, health], [[], ["degraded"]]);
  assert.throws(() => delivery.add([3, 4, 5, 6]), /h\.default is slow or down: 1 records had no place/);
  addsUp(delivery.counts);
  assert.deepEqual(delivery.counts.dropped, { full: 1 });
  sink.error = undefined;
  clock.advance(1_000);
  await settled();
  assert.deepEqual(sink.sent.flat(), [1, 2, 3, 4, 5]);
  assert.ok(delivery.counts.retried >= 2);
  assert.equal(health.at(-1), "ready");
  addsUp(delivery.counts);
});

test("a sink may ask for time; what is too old is dropped", async () => {
  const { sink, clock, delivery } = open({ intervalMs: 0, maxAgeMs: 60_000 });
  sink.error = Object.assign(new Error("busy"), { retryAfterMs: 20_000 });
  void delivery.add([1]);
  await settled();
  clock.advance(19_000);
  await settled();
  assert.equal(delivery.counts.retried, 0);
  clock.advance(2_000);
  await settled();
  assert.equal(delivery.counts.retried, 1);
  for (let i = 0; i < 3; i++) {
    clock.advance(60_000);
    await settled();
  }
  assert.deepEqual([delivery.counts.dropped, delivery.counts.waiting], [{ expired: 1 }, 0]);
  addsUp(delivery.counts);
});

test("a slow sink is given up after a time, and nothing grows", async () => {
  const { sink, clock, delivery } = open({ intervalMs: 0, timeoutMs: 20, capacity: 10 });
  let release: () => void = () => undefined;
  sink.hang = new Promise((resolve) => {
    release = resolve;
  });
  void delivery.add(numbers(0, 10));
  for (let i = 0; i < 50; i++) assert.throws(() => delivery.add([i]));
  assert.deepEqual([delivery.counts.waiting, delivery.counts.dropped.full], [10, 50]);
  await new Promise((resolve) => setTimeout(resolve, 40));
  sink.hang = undefined;
  clock.advance(1_000);
  await settled();
  assert.deepEqual(sink.sent, [numbers(0, 10)]);
  addsUp(delivery.counts);
  release();
});

test("of a batch that a sink refuses, the records that it does not take are found and dropped, the others are delivered", async () => {
  const sent: number[] = [];
  const { delivery } = open({
    intervalMs: 0,
    async send(records) {
      if (records.some((each) => each % 10 === 7)) throw new RejectedError("7 is no number");
      sent.push(...records);
    },
  });
  void delivery.add(numbers(0, 30));
  await settled();
  assert.deepEqual(
    sent.sort((a, b) => a - b),
    numbers(0, 30).filter((each) => each % 10 !== 7),
  );
  assert.deepEqual([delivery.counts.delivered, delivery.counts.dropped], [27, { rejected: 3 }]);
  addsUp(delivery.counts);
});

test("a record that is too large is dropped, and its neighbours are not", async () => {
  const delivery = createDeliver()<string>({
    ...{ context: handlerContext({ clock: new ManualClock() }), adapter: "test" },
    send: async () => undefined,
  });
  assert.throws(() => delivery.add(["small", "x".repeat(300_000)]), /1 records are larger than/);
  await delivery.close();
  assert.deepEqual([delivery.counts.delivered, delivery.counts.dropped], [1, { too_large: 1 }]);
});

test("the end: what waits is sent once; what a dead sink does not take is counted", async () => {
  const good = open({ intervalMs: 10_000 });
  void good.delivery.add([1, 2]);
  await good.delivery.close();
  assert.deepEqual(good.sink.sent, [[1, 2]]);
  assert.throws(() => good.delivery.add([3]), /closed/);
  addsUp(good.delivery.counts);
  const dead = open({ intervalMs: 0 });
  dead.sink.error = new Error("refused");
  void dead.delivery.add([1, 2]);
  await settled();
  await dead.delivery.close();
  assert.deepEqual(dead.delivery.counts.dropped, { closed: 2 });
  addsUp(dead.delivery.counts);
});

test("with a bus, records are accepted when it has stored them, and replicas share them", async () => {
  const queue = new FakeQueue();
  const [one, two] = [open({ intervalMs: 0 }, queue), open({ intervalMs: 0 }, queue)];
  await Promise.all(numbers(0, 20).map((each) => one.delivery.add([each])));
  await one.delivery.add([20]);
  await waitFor("all is sent", 2_000, () => one.sink.sent.flat().length + two.sink.sent.flat().length === 21);
  await waitFor("nothing waits", 2_000, () => queue.items.length === 0);
  const counts = [one, two].map((each) => each.delivery.counts);
  assert.equal(
    counts.reduce((sum, each) => sum + each.delivered, 0),
    21,
  );
  assert.equal(counts[0]?.accepted, 21);
});

test("what a replica could not send when it ended stays on the bus for another one", async () => {
  const queue = new FakeQueue();
  const one = open({ intervalMs: 0 }, queue);
  one.sink.error = new Error("refused");
  await one.delivery.add([1, 2, 3]);
  await settled();
  await one.delivery.close();
  assert.deepEqual([one.delivery.counts.dropped, queue.items.length], [{}, 1]);
  const two = open({ intervalMs: 0 }, queue);
  await waitFor("another one sends it", 2_000, () => two.sink.sent.length > 0);
  assert.deepEqual(two.sink.sent, [[1, 2, 3]]);
});

test("a bus that is down is passed by; one that is full is said to be", async () => {
  const queue = new FakeQueue();
  queue.connected = false;
  const { sink, clock, delivery } = open({ intervalMs: 0 }, queue);
  await delivery.add([1]);
  await settled();
  assert.deepEqual(sink.sent, [[1]]);
  queue.connected = true;
  queue.error = new XebecError("unavailable", "no answer");
  await delivery.add([2]);
  await settled();
  assert.deepEqual(sink.sent, [[1], [2]]);
  clock.advance(10_000);
  queue.error = new XebecError("resource_exhausted", "full");
  await assert.rejects(async () => await delivery.add([3]), { code: "resource_exhausted" });
  assert.deepEqual(delivery.counts.dropped, { full: 1 });
  addsUp(delivery.counts);
});
