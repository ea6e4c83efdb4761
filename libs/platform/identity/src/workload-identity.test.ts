import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { fakeCitadel } from "./citadel.testkit.ts";
import { createWorkloadIdentity } from "./index.ts";

const NEVER = new AbortController().signal;

describe("an identity that citadel signs", () => {
  it("is not taken when it has ended before it came; the next one is asked for with growing pauses", async () => {
    using folder = tempDir();
    await using citadel = await fakeCitadel(folder, { clockMs: -31_000, lifetimeMs: 30_000 });
    const identity = createWorkloadIdentity(citadel.options);
    await identity.start(NEVER);
    await waitFor("some attempts", 5_000, () => citadel.callers.length >= 4);
    assert.equal(identity.identity, undefined);
    assert.match(
      identity.missing?.()[0] ?? "",
      /^no certificate yet: citadel's certificate ended at .* set the clocks/,
    );
    citadel.behaviour.clockMs = 0;
    await waitFor("a certificate", 8_000, () => identity.missing?.().length === 0);
    await identity.close?.();
  });

  it("is asked for at most once a second, however short its life is", async () => {
    using folder = tempDir();
    // X.509 counts seconds, so that these end within the second.
    await using citadel = await fakeCitadel(folder, { lifetimeMs: 1_000 });
    const identity = createWorkloadIdentity(citadel.options);
    const begin = performance.now();
    await identity.start(NEVER);
    let changes = 0;
    identity.onChange(() => changes++);
    await waitFor("the third certificate", 15_000, () => changes >= 3);
    assert.ok(performance.now() - begin >= 2_000);
    await identity.close?.();
  });
});
