import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { isRunning, POD_UID_ENV, PROCESS_NAME_ENV, processOf, RUN_ID_ENV } from "@xebec/platform-process";
import { tempDir } from "@xebec/testing-launch";
import { endStrangers, findRun } from "./strangers.ts";

async function started(t: TestContext, cwd: string, env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn("/bin/sleep", ["1000"], { cwd, stdio: "ignore", env });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

const runs = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

test("what runs of a mesh and nobody wants any more is ended; all else goes on", async (t) => {
  using folder = tempDir();
  const run = randomUUID();
  const start = (env: Record<string, string>): Promise<ChildProcess> => started(t, folder.path, env);
  const wanted = [
    await start({ [RUN_ID_ENV]: run, [PROCESS_NAME_ENV]: "service/nats" }),
    await start({ [RUN_ID_ENV]: run, [POD_UID_ENV]: "known", [PROCESS_NAME_ENV]: "pod/default/web/app" }),
    await start({ [RUN_ID_ENV]: randomUUID(), [PROCESS_NAME_ENV]: "service/pilot" }),
  ];
  const strange = [
    await start({ [RUN_ID_ENV]: run, [PROCESS_NAME_ENV]: "service/pilot" }),
    // Its supervisor ended before it had written the pod down.
    await start({ [RUN_ID_ENV]: run, [POD_UID_ENV]: "lost", [PROCESS_NAME_ENV]: "pod/default/web-2/app" }),
    await start({ [RUN_ID_ENV]: run, [POD_UID_ENV]: "lost" }),
    // An older version set no name in the environment.
    await start({}),
  ];
  const gone = Promise.all(strange.map((each) => once(each, "exit")));
  const old = processOf(strange[3]?.pid ?? 0);
  assert.ok(old && isRunning(old));
  await endStrangers({
    ...{ runId: run, services: new Set(["service/nats"]), pods: new Set(["known"]), graceMs: 5_000 },
    processes: { "service/galley": old },
  });
  await gone;
  assert.ok(wanted.every(runs));
});

test("a run whose state file is gone is known by a process that works in its directory", async (t) => {
  using folder = tempDir();
  using other = tempDir();
  const run = randomUUID();
  await started(t, other.path, { [RUN_ID_ENV]: randomUUID() });
  assert.equal(findRun(folder.path), undefined);
  await started(t, folder.path, { [RUN_ID_ENV]: run });
  assert.equal(findRun(folder.path), run);
});
