import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import {
  groupMembers,
  isRunning,
  POD_UID_ENV,
  processesWithEnv,
  processOf,
  signalGroup,
  signalProcess,
} from "./index.ts";

test("a process is told apart from a later one with its number", () => {
  const own = processOf(process.pid);
  assert.ok(own && isRunning(own));
  assert.ok(!isRunning({ pid: own.pid, startTime: `${own.startTime}0` }));
  assert.equal(processOf(2 ** 30), undefined);
});

test("an environment variable finds a process and its group, and a signal ends them", async () => {
  const value = randomUUID();
  const child = spawn("sh", ["-c", "echo; exec sleep 1000"], {
    env: { PATH: process.env.PATH, [POD_UID_ENV]: value },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const id = processOf(child.pid ?? 0);
  assert.ok(id);
  assert.deepEqual(processesWithEnv(POD_UID_ENV, value), [id]);
  assert.deepEqual(groupMembers(id, POD_UID_ENV, value), [id]);
  assert.deepEqual(groupMembers({ ...id, pid: process.pid }, POD_UID_ENV, value), []);
  signalGroup(id, "SIGTERM");
  await once(child, "exit");
  assert.ok(!isRunning(id));
  signalProcess(id, "SIGTERM");
  assert.deepEqual(processesWithEnv(POD_UID_ENV, value), []);
});

test("a process that cannot be seen is not taken for one that has ended", () => {
  const script = `import { openSync } from "node:fs";
    import { processOf } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    try { for (;;) openSync("/dev/null"); } catch {}
    try { processOf(process.pid); } catch (error) { process.stdout.write(error.code + " " + error.cause.code); }`;
  const limited = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"';
  assert.equal(
    spawnSync("sh", ["-c", limited, process.execPath, script], { encoding: "utf8" }).stdout,
    "internal EMFILE",
  );
});
