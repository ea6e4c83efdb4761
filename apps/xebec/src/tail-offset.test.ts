import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { tailOffset } from "./tail-offset.ts";

test("the last lines of a file, with and without a newline at its end", () => {
  using folder = tempDir();
  const path = folder.file("a.log");
  const tail = (text: string, lines: number): string => {
    writeFileSync(path, text);
    return readFileSync(path).subarray(tailOffset(path, lines)).toString();
  };
  assert.equal(tail("a\nb\nc\n", 2), "b\nc\n");
  assert.equal(tail("a\nb\nc", 2), "b\nc");
  assert.equal(tail("a\nb\n", 5), "a\nb\n");
  assert.equal(tail("a\nb\n", 0), "");
  assert.equal(tail("", 3), "");
  const long = Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`);
  assert.equal(tail(long.join(""), 20_000), long.slice(-20_000).join(""));
});
