import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { map } from "./bus.testkit.ts";
import { ResyncingConsumer } from "./resyncing-consumer.ts";

test("after many changes that fail everything is handed over again, once", async () => {
  const stop = new AbortController();
  let broken = true;
  let calls = 0;
  let retries = 0;
  const whole = map({ a: "1" });
  const change = { puts: whole, deletes: new Set<string>(), revisions: {}, first: false };
  const consumer = new ResyncingConsumer(
    "reader",
    () => {
      calls++;
      if (broken) throw new Error("boom");
    },
    stop.signal,
  );
  const again = (): void => {
    retries++;
    consumer.deliver(change, whole, again);
  };
  for (let i = 0; i < 50; i++) consumer.deliver(change, whole, again);
  assert.equal(calls, 50);
  broken = false;
  await waitFor("the retry", 5_000, () => consumer.error === undefined);
  assert.equal(retries, 1);
  stop.abort();
});
