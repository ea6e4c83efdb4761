import assert from "node:assert/strict";
import { it } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { LastKnownGood } from "./last-known-good.ts";

it("last known good entries are on disk when their keeper has ended, also when they were just being written", async () => {
  using folder = tempDir();
  const begun = Promise.withResolvers<void>();
  const source = { revision: 1, incarnation: "a", entries: new Map([["key", new Uint8Array(2 << 20)]]) };
  const kept = new LastKnownGood("test", folder.file("cache"), () => {
    begun.resolve();
    return new Map([["galley", source]]);
  });
  kept.changed();
  await begun.promise;
  await kept.close();
  assert.equal((await kept.read())?.get("galley")?.revision, 1);
});
