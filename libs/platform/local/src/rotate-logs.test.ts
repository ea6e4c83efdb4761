import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { rotateLogs } from "./rotate-logs.ts";

const OLD = new Date(Date.now() - 3_600_000);

test("a log that has grown is put aside, and what is appended later begins a new one", async () => {
  using folder = tempDir();
  const path = folder.file("pilot.log");
  writeFileSync(path, "x".repeat(1_001));
  const end = rotateLogs(folder.path, () => new Set(), { maxBytes: 1_000, everyMs: 5 });
  await waitFor("it is put aside", 2_000, () => statSync(path).size === 0);
  end();
  appendFileSync(path, "new\n");
  assert.equal(readFileSync(path, "utf8"), "new\n");
  assert.equal(readFileSync(`${path}.1`, "utf8").length, 1_001);
});

test("logs of what is gone are removed after a while, others stay", async () => {
  using folder = tempDir();
  const [used, usedOld, gone, fresh] = ["used.log", "used.log.1", "gone.log", "fresh.log"].map((each) =>
    folder.file(each),
  );
  for (const path of [used, usedOld, gone, fresh]) writeFileSync(path as string, "text");
  for (const path of [used, usedOld, gone]) utimesSync(path as string, OLD, OLD);
  const end = rotateLogs(folder.path, () => new Set([used as string]), { everyMs: 5, keepMs: 60_000 });
  await waitFor("the old one is removed", 2_000, () => !existsSync(gone as string));
  end();
  assert.deepEqual(
    [used, usedOld, fresh].map((path) => existsSync(path as string)),
    [true, true, true],
  );
});
