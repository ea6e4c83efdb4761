import assert from "node:assert/strict";
import test from "node:test";
import { wrapped } from "./summary.ts";

test("long lists fit a terminal of 80 columns, below their heading, with every name whole", () => {
  const names = Array.from({ length: 20 }, (_, i) => `default/service-number-${i}`);
  const lines = `  Pods       ${wrapped(names)}`.split("\n");
  for (const line of lines) assert.ok(line.length < 80, `${line.length}: ${line}`);
  for (const line of lines.slice(1)) assert.match(line, /^ {13}\S/);
  assert.deepEqual(wrapped(names).split(/,\s+/), names);
});

test("a name that is longer than the line stands alone", () => {
  const long = "x".repeat(100);
  assert.equal(wrapped(["a", long, "b"]), `a,\n${" ".repeat(13)}${long},\n${" ".repeat(13)}b`);
  assert.equal(wrapped(["a"]), "a");
  assert.equal(wrapped([]), "");
});
