import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openConfined } from "@xebec/platform-files";
import { LogFile } from "./rotated-file.ts";

/** Runs `work` with a file of at most 10 bytes in a folder of its own, and a clock that it can set. */
function withFile(work: (file: LogFile, folder: string, clock: { now: number }, errors: unknown[]) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "rotated-"));
  const clock = { now: 1_500_000_000_000 };
  const errors: unknown[] = [];
  const rotation = { maxBytes: 10, maxDays: 0, maxFiles: 0 };
  const file = new LogFile(
    join(folder, "a.log"),
    rotation,
    () => clock.now,
    (error) => errors.push(error),
    () => openConfined(join(folder, "a.log"), [tmpdir()]),
  );
  try {
    work(file, folder, clock, errors);
  } finally {
    file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a rotation that fails is reported and tried again a minute later; descriptors of others stay open", () =>
  withFile((file, folder, clock, errors) => {
    file.write("0123456789\n");
    // A file stands where the folder was.
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    file.write("second\n");
    assert.equal(errors.length, 1);
    const other = openSync(folder, "w");
    try {
      file.write("third\n");
      assert.equal(errors.length, 1, "not at every line");
      writeSync(other, "still open");
    } finally {
      closeSync(other);
    }
    rmSync(folder);
    clock.now += 60_000;
    file.write("fourth\n");
    assert.equal(errors.length, 1);
    assert.deepEqual(readdirSync(folder), ["a.log"]);
    assert.equal(readFileSync(join(folder, "a.log"), "utf8"), "fourth\n");
  }));

test("it is closed once, and does not write afterwards", () =>
  withFile((file, folder) => {
    file.close();
    const other = openSync(join(folder, "other"), "w");
    try {
      file.close();
      assert.throws(() => file.write("x"), /is closed/);
      writeSync(other, "still open");
    } finally {
      closeSync(other);
    }
  }));
