import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { readSealedJson, writeSealedJson } from "./index.ts";

const VALUE = { files: { "a.yaml": ["one", 1.5, null], 7: { "\u00e9": "\u2028" } }, empty: {} };

test("a sealed file is read as it was written, and is its owner's alone", async () => {
  using folder = tempDir();
  const path = folder.file("state.json");
  assert.equal(await readSealedJson(path, "test 1"), undefined);
  for (const value of [VALUE, {}]) {
    await writeSealedJson(path, "test 1", value);
    assert.deepEqual((await readSealedJson(path, "test 1"))?.value, value);
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a file that is damaged at any place, cut off, or of another version is refused, never read in part", async () => {
  using folder = tempDir();
  const path = folder.file("state.json");
  await writeSealedJson(path, "test 1", VALUE);
  const whole = readFileSync(path);
  const refused = (why: RegExp) => assert.rejects(readSealedJson(path, "test 1"), { code: "data_loss", message: why });
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(path, damaged);
    await refused(/state\.json is (damaged|of another version)/);
    writeFileSync(path, whole.subarray(0, at));
    await refused(/state\.json is damaged/);
  }
  writeFileSync(path, `${whole}x`);
  await refused(/damaged/);
  await writeSealedJson(path, "test 2", VALUE);
  await refused(/of another version: test 2, not test 1/);
  writeFileSync(path, JSON.stringify(VALUE));
  await refused(/damaged, or of another version/);
});
