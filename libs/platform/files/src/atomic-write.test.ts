import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { writeFileAtomic, writeKeyFile } from "./index.ts";

test("a file is written whole, with its mode, in folders that are made", async () => {
  using folder = tempDir();
  await writeFileAtomic(folder.file("x/y/a.txt"), "one");
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => writeFileAtomic(folder.file("x/y/a.txt"), `${i}`.repeat(10_000))),
  );
  const text = readFileSync(folder.file("x/y/a.txt"), "utf8");
  assert.ok(Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000)).includes(text));
  await writeKeyFile(folder.file("key.pem"), "secret");
  assert.equal(statSync(folder.file("key.pem")).mode & 0o777, 0o600);
  // What nobody says anything about is its owner's alone, its folders, too.
  assert.equal(statSync(folder.file("x/y/a.txt")).mode & 0o777, 0o600);
  assert.equal(statSync(folder.file("x/y")).mode & 0o777, 0o700);
  await writeFileAtomic(folder.file("open"), "", { mode: 0o644 });
  assert.equal(statSync(folder.file("open")).mode & 0o777, 0o644);
  assert.deepEqual(readdirSync(folder.file("x/y")), ["a.txt"]);
});

test("a failed write names the file and leaves nothing behind", async () => {
  using folder = tempDir();
  mkdirSync(folder.file("taken/inside"), { recursive: true });
  await assert.rejects(writeFileAtomic(folder.file("taken"), "x"), /taken cannot be written/);
  assert.deepEqual(readdirSync(folder.path), ["taken"]);
});
