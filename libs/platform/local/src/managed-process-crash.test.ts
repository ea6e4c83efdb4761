import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { isRunning, processesWithEnv, RUN_ID_ENV } from "@xebec/platform-process";
import { freePort, tempDir } from "@xebec/testing-launch";
import { mainProcesses } from "./main-processes.ts";
import { ManagedProcess } from "./managed-process.ts";
import type { ProcessSpec } from "./process-spec.ts";

const TIMEOUT_MS = 15_000;
/** Fails when the port is taken, and has a child in a session of its own. */
const SERVER = `
  require("node:child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  require("node:http").createServer((_, r) => r.end()).listen(Number(process.env.PORT), "127.0.0.1");`;
/** A supervisor that is killed by itself at its n-th record, before or after it is written. */
const SUPERVISOR = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { ManagedProcess } from ${JSON.stringify(join(import.meta.dirname, "managed-process.ts"))};
  const [file, at, when] = process.argv.slice(1);
  let n = 0;
  const die = () => process.kill(process.pid, "SIGKILL");
  const { spec, record } = JSON.parse(readFileSync(file, "utf8"));
  const managed = new ManagedProcess(spec, () => {
    const last = ++n === Number(at);
    if (last && when === "before") die();
    writeFileSync(file, JSON.stringify({ spec, record: managed.record }));
    if (last && when === "after") die();
  });
  managed.start(record);
  setInterval(() => {}, 1000);`;

async function setting(t: TestContext): Promise<{ spec: ProcessSpec; file: string; runId: string }> {
  const folder = tempDir();
  const runId = randomUUID();
  t.after(async () => {
    for (const each of processesWithEnv(RUN_ID_ENV, runId)) process.kill(each.pid, "SIGKILL");
    await waitFor("nothing left", TIMEOUT_MS, () => processesWithEnv(RUN_ID_ENV, runId).length === 0);
    folder.remove();
  });
  const spec: ProcessSpec = {
    name: "service/test",
    command: [process.execPath, "-e", SERVER],
    env: { PATH: process.env.PATH ?? "", PORT: String(await freePort()), [RUN_ID_ENV]: runId },
    cwd: folder.path,
    logFile: folder.file("test.log"),
  };
  const file = folder.file("state.json");
  writeFileSync(file, JSON.stringify({ spec, record: {} }));
  return { spec, file, runId };
}

async function supervise(file: string, at: number, when: string, killAfterMs?: number): Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", SUPERVISOR, file, String(at), when], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  await once(child, "exit");
  clearTimeout(timer);
}

/** The next supervisor finds one process, ends any other one, and starts none anew. */
async function takesOver(t: TestContext, { spec, file, runId }: Awaited<ReturnType<typeof setting>>): Promise<void> {
  const ran = mainProcesses(runId).get(spec.name) ?? [];
  assert.ok(ran.length <= 1, `${ran.length} instances of one process`);
  const { record } = JSON.parse(readFileSync(file, "utf8")) as { record: ManagedProcess["record"] };
  const managed = new ManagedProcess(spec, () => undefined);
  t.after(() => managed.end(1_000));
  managed.start(record);
  const id = await waitFor("its process", TIMEOUT_MS, () => managed.id);
  if (ran[0]) assert.equal(id.pid, ran[0].pid);
  await waitFor("it has its port", TIMEOUT_MS, () => managed.holder("127.0.0.1", Number(spec.env.PORT)) === "own");
  assert.equal(managed.restarts, 0);
  await waitFor("one process", TIMEOUT_MS, () => mainProcesses(runId).get(spec.name)?.length === 1);
}

for (const [at, when] of [
  [1, "before"],
  [1, "after"],
  [2, "before"],
  [2, "after"],
] as const)
  test(`a supervisor that is killed ${when} it writes record ${at} leaves nothing that its successor does not find`, async (t) => {
    const its = await setting(t);
    await supervise(its.file, at, when);
    await takesOver(t, its);
  });

test("supervisors that are killed one after another never start a second process", async (t) => {
  const seed = Number(process.env.XEBEC_SEED ?? 7);
  const its = await setting(t);
  let state = seed;
  for (let i = 0; i < 6; i++) {
    state = (state * 48_271) % 2_147_483_647;
    await supervise(its.file, 99, "never", 60 + (state % 120));
    const ran = mainProcesses(its.runId).get(its.spec.name) ?? [];
    assert.ok(ran.length <= 1, `${ran.length} processes after kill ${i}, seed ${seed}`);
  }
  await takesOver(t, its);
});

test("of two instances of one process the one that was written down goes on, else the oldest; the other is ended", async (t) => {
  const its = await setting(t);
  await supervise(its.file, 2, "before");
  const [first] = await waitFor("the first", TIMEOUT_MS, () => mainProcesses(its.runId).get(its.spec.name));
  assert.ok(first);
  // As a supervisor that did not look would start it.
  const second = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    detached: true,
    stdio: "ignore",
    env: { ...its.spec.env, XEBEC_UNIT: its.spec.name, XEBEC_INSTANCE: "second" },
  });
  await waitFor("both", TIMEOUT_MS, () => mainProcesses(its.runId).get(its.spec.name)?.length === 2);
  const managed = new ManagedProcess(its.spec, () => undefined);
  t.after(() => managed.end(1_000));
  managed.start({});
  await waitFor("the second has ended", TIMEOUT_MS, () => second.signalCode === "SIGKILL");
  assert.equal(managed.id?.pid, first.pid);
  assert.ok(isRunning(first));
});

test("a port that somebody else holds is not the process's", async (t) => {
  const its = await setting(t);
  const port = Number(its.spec.env.PORT);
  const { createServer } = await import("node:http");
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const managed = new ManagedProcess({ ...its.spec, command: ["/bin/sleep", "1000"] }, () => undefined);
  t.after(() => managed.end(1_000));
  managed.start({});
  await waitFor("its process", TIMEOUT_MS, () => managed.id);
  assert.equal(managed.holder("127.0.0.1", port), "other");
  assert.equal(managed.holder("127.0.0.2", port), "nobody");
});
