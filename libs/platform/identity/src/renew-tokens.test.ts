import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { renewTokens } from "./index.ts";

test("tokens are written anew when the clock was set, also after a write that failed", async (t) => {
  const real = Date.now;
  let offset = 0;
  t.mock.method(Date, "now", () => real() + offset);
  let writes = 0;
  const end = renewTokens(async () => {
    writes++;
    if (writes === 1) throw new Error("no room");
  });
  t.after(end);
  offset = -3_600_000;
  await waitFor("the first write", 5_000, () => writes === 1);
  offset = 0;
  await waitFor("the second write", 5_000, () => writes === 2);
  assert.equal(writes, 2);
});
