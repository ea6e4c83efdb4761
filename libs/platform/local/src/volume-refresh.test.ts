import assert from "node:assert/strict";
import { test } from "node:test";
import { scheduleVolumeRefresh } from "./volume-refresh.ts";

test("volumes of pods are looked after once a minute, until the supervisor goes", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let looks = 0;
  const end = scheduleVolumeRefresh(async () => {
    looks++;
  });
  t.mock.timers.tick(59_000);
  assert.equal(looks, 0);
  t.mock.timers.tick(1_000);
  await Promise.resolve();
  assert.equal(looks, 1);
  end();
  t.mock.timers.tick(120_000);
  await Promise.resolve();
  assert.equal(looks, 1);
});
