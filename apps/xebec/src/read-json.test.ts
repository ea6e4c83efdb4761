import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { meshProcesses } from "./end-mesh.ts";
import { loadOptions } from "./mesh-options.ts";
import { readJson } from "./read-json.ts";

test("only a file that is not there reads as nothing", () => {
  using folder = tempDir();
  const path = folder.file("a.json");
  assert.equal(readJson(path, "remove it"), undefined);
  writeFileSync(path, '{"a":1}');
  assert.deepEqual(readJson(path, "remove it"), { a: 1 });
  for (const text of ["", '{"a":', "null", "1"]) {
    writeFileSync(path, text);
    const message = `${path} is damaged; remove it`;
    assert.throws(() => readJson(path, "remove it"), { code: "failed_precondition", message });
  }
  mkdirSync(folder.file("b.json"));
  assert.throws(() => readJson(folder.file("b.json"), "remove it"), /b\.json cannot be read; remove it/);
});

test("a run directory that cannot be understood is not taken for an empty one", () => {
  using folder = tempDir();
  assert.equal(loadOptions(folder.path), undefined);
  assert.deepEqual(meshProcesses(folder.path), []);
  for (const name of ["options.json", "state.json"]) writeFileSync(folder.file(name), "{");
  assert.throws(() => loadOptions(folder.path), /options\.json is damaged; end the mesh with "xebec down"/);
  assert.throws(() => meshProcesses(folder.path), /state\.json is damaged; end the processes that have XEBEC_RUN/);
});
