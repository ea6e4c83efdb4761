import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { isRunning, portHolder, processesWithEnv, processOf, RUN_ID_ENV } from "@xebec/platform-process";
import { freePorts } from "@xebec/testing-launch";
import { ManagedProcess } from "./managed-process.ts";
import type { ProcessSpec } from "./process-spec.ts";

const TIMEOUT_MS = 10_000;

async function spec(t: TestContext, script: string): Promise<ProcessSpec> {
  const dir = await mkdtemp(join(tmpdir(), "managed-process-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return {
    name: "service/test",
    command: ["/bin/sh", "-c", script],
    env: { PATH: process.env.PATH ?? "", [RUN_ID_ENV]: randomUUID() },
    cwd: dir,
    logFile: join(dir, "logs/test.log"),
  };
}

function countOf(of: ProcessSpec): number {
  return processesWithEnv(RUN_ID_ENV, of.env[RUN_ID_ENV] as string).length;
}

test("a process that is killed is started again, and writes to its log file", async (t) => {
  const of = await spec(t, "echo started; exec sleep 1000");
  let changes = 0;
  const managed = new ManagedProcess(of, () => void changes++);
  t.after(() => managed.end(1_000));
  managed.start();
  const first = await waitFor("first process", TIMEOUT_MS, () => managed.id);
  await waitFor("its line", TIMEOUT_MS, async () => (await readFile(of.logFile, "utf8")) === "started\n");
  process.kill(first.pid, "SIGKILL");
  const second = await waitFor("second process", TIMEOUT_MS, () => managed.id?.pid !== first.pid && managed.id);
  assert.ok(isRunning(second) && !isRunning(first));
  assert.equal(managed.restarts, 1);
  assert.ok(changes >= 3);
  await waitFor("both lines", TIMEOUT_MS, async () => (await readFile(of.logFile, "utf8")) === "started\nstarted\n");
});

test("a second process adopts what the first has released, and starts it again when it ends", async (t) => {
  const of = await spec(t, "exec sleep 1000");
  const before = new ManagedProcess(of, () => undefined);
  before.start();
  const id = await waitFor("process", TIMEOUT_MS, () => before.id);
  before.release();
  const after = new ManagedProcess(of, () => undefined);
  t.after(() => after.end(1_000));
  after.start({ process: id });
  assert.deepEqual(after.id, id);
  // A process that is becoming another program has no environment for a moment.
  await waitFor("one process", TIMEOUT_MS, () => countOf(of) === 1);
  process.kill(id.pid, "SIGKILL");
  await waitFor("successor", TIMEOUT_MS, () => after.id && after.id.pid !== id.pid);
  await waitFor("one successor", TIMEOUT_MS, () => countOf(of) === 1);
});

test("a process that has the number but not the start time of the old one is not adopted", async (t) => {
  const of = await spec(t, "exec sleep 1000");
  const managed = new ManagedProcess(of, () => undefined);
  t.after(() => managed.end(1_000));
  const own = processOf(process.pid);
  assert.ok(own);
  managed.start({ process: { pid: own.pid, startTime: `${own.startTime}0` } });
  const id = await waitFor("process", TIMEOUT_MS, () => managed.id);
  assert.notEqual(id.pid, process.pid);
});

test("the end takes the whole group along, also a child that ignores the request", async (t) => {
  const of = await spec(t, "trap '' TERM; sleep 1000 & sleep 1000 & wait; wait; wait");
  const managed = new ManagedProcess(of, () => undefined);
  managed.start();
  await waitFor("three processes", TIMEOUT_MS, () => countOf(of) === 3);
  await managed.end(100);
  await waitFor("nothing left", TIMEOUT_MS, () => countOf(of) === 0);
  assert.equal(managed.id, undefined);
});

test("children of a leader that has ended are ended with the process", async (t) => {
  const of = await spec(t, "trap '' TERM; sleep 1000 & trap 'exit 0' TERM; wait");
  const managed = new ManagedProcess(of, () => undefined);
  managed.start();
  await waitFor("two processes", TIMEOUT_MS, () => countOf(of) === 2);
  await managed.end(2_000);
  await waitFor("nothing left", TIMEOUT_MS, () => countOf(of) === 0);
});

test("an end right after the start leaves nothing behind", async (t) => {
  const of = await spec(t, "exec sleep 1000");
  const managed = new ManagedProcess(of, () => undefined);
  managed.start();
  await managed.end(1_000);
  assert.equal(countOf(of), 0);
});

test("a program that does not exist is reported and tried again until it is ended", async (t) => {
  const of: ProcessSpec = { ...(await spec(t, "")), command: ["/nonexistent/program"] };
  const managed = new ManagedProcess(of, () => undefined);
  managed.start();
  await waitFor("a second try", TIMEOUT_MS, () => managed.restarts >= 2);
  assert.match(managed.problem, /cannot be started: .*ENOENT/);
  await managed.end(100);
});

test("a process that had several ports is not looked for again at each of them", async (t) => {
  const ports = await freePorts(2);
  const script = `const all = [${ports}].map((port) => require("node:net").createServer().listen(port, "127.0.0.1"));
    process.on("SIGUSR2", () => all.forEach((each) => each.close()));
    setInterval(() => undefined, 60_000);`;
  const of = await spec(t, `exec "${process.execPath}" -e '${script}'`);
  const managed = new ManagedProcess(of, () => undefined);
  t.after(() => managed.end(1_000));
  managed.start();
  const holders = (): string[] => ports.map((port) => managed.holder("127.0.0.1", port));
  await waitFor("it has both", TIMEOUT_MS, () => holders().every((each) => each === "own"));
  process.kill(managed.id?.pid as number, "SIGUSR2");
  await waitFor("nobody listens", TIMEOUT_MS, () =>
    ports.every((port) => portHolder("127.0.0.1", port, [process.pid]) === "nobody"),
  );
  assert.deepEqual(holders(), ["own", "own"]);
});
