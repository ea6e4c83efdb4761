import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { createMemoryBus, createRevisionWriter, createRevoked } from "./index.ts";

const NEVER = new AbortController().signal;
const record = (revoked: readonly string[]) => new Map([["mesh", Buffer.from(JSON.stringify({ revoked }))]]);

test("revoked serial numbers follow the bucket trust, and outlast a restart without the bus", async () => {
  using folder = tempDir();
  const cacheFile = folder.file("trust.cache");
  const bus = createMemoryBus();
  const writer = createRevisionWriter({ bus, bucket: "trust", source: "citadel" });
  await writer.start(NEVER);
  const revoked = createRevoked({ bus, cacheFile });
  await revoked.start(NEVER);
  assert.equal(revoked.isRevoked("0ABC"), false);
  await writer.replace(record(["ABC", "0FF"]));
  await waitFor("the list", 2_000, () => revoked.isRevoked("ABC"));
  assert.deepEqual(
    ["0ABC", "00FF", "FF", "AB", ""].map((serial) => revoked.isRevoked(serial)),
    [true, true, true, false, false],
  );
  await writer.replace(new Map([["mesh", Buffer.from("{")]]));
  await writer.replace(new Map([["mesh", Buffer.from("{}")]]));
  assert.equal(revoked.isRevoked("ABC"), true, "a record that cannot be read changes nothing");
  await writer.replace(record(["ABC"]));
  await waitFor("the shorter list", 2_000, () => !revoked.isRevoked("FF"));
  await revoked.close?.();
  const again = createRevoked({ bus: createMemoryBus(), cacheFile });
  await again.start(NEVER);
  assert.equal(again.isRevoked("ABC"), true);
  await again.close?.();
});
