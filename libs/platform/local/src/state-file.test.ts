import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createStateFile, type LocalState } from "./state-file.ts";

test("what was saved is loaded again; saves in quick succession keep the newest", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "state-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "state.json");
  let state: LocalState = { runId: "r", pods: [], processes: {} };
  const file = createStateFile(path, () => state);
  assert.equal(await file.load(), undefined);
  const first = file.save();
  state = { ...state, processes: { "service/nats": { pid: 7, startTime: "1" } } };
  await Promise.all([first, file.save()]);
  assert.deepEqual(await createStateFile(path, () => state).load(), state);
});

test("a state file that was cut off counts as none, and is made anew", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "state-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "state.json");
  await writeFile(path, '{"runId": "r", "po');
  const file = createStateFile(path, () => ({ runId: "new", pods: [], processes: {} }));
  assert.equal(await file.load(), undefined);
  await file.save();
  assert.equal(JSON.parse(await readFile(path, "utf8")).runId, "new");
});

test("a damaged state file counts as none also when it is still JSON; one of before checksums is taken", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "state-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "state.json");
  const state: LocalState = { runId: "run-1", pods: [], processes: { "service/nats": { pid: 7, startTime: "1" } } };
  const file = createStateFile(path, () => state);
  await file.save();
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"pid":7', '"pid":8'));
  assert.equal(await file.load(), undefined, "another process would be taken for ours");
  await writeFile(path, JSON.stringify(state));
  assert.deepEqual(await file.load(), state);
});

test("a place that cannot be written does not stop the mesh", async () => {
  const file = createStateFile(join(process.execPath, "state.json"), () => ({ runId: "r", pods: [], processes: {} }));
  await file.save();
});
