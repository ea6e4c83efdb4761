import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { isRunning, POD_MARK, processOf, RUN_MARK, UNIT_MARK } from "@xebec/platform-process";
import { tempDir } from "@xebec/testing-launch";
import { endStrangers, findRun } from "./strangers.ts";

async function marked(t: TestContext, cwd: string, marks: Record<string, string>): Promise<ChildProcess> {
  const child = spawn("/bin/sleep", ["1000"], { cwd, stdio: "ignore", env: marks });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

const runs = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

test("what runs of a mesh and nobody wants any more is ended; all else goes on", async (t) => {
  using folder = tempDir();
  const run = randomUUID();
  const start = (marks: Record<string, string>): Promise<ChildProcess> => marked(t, folder.path, marks);
  const wanted = [
    await start({ [RUN_MARK]: run, [UNIT_MARK]: "service/nats" }),
    await start({ [RUN_MARK]: run, [POD_MARK]: "known", [UNIT_MARK]: "pod/default/web/app" }),
    await start({ [RUN_MARK]: randomUUID(), [UNIT_MARK]: "service/pilot" }),
  ];
  const strange = [
    await start({ [RUN_MARK]: run, [UNIT_MARK]: "service/pilot" }),
    // Its supervisor ended before it had written the pod down.
    await start({ [RUN_MARK]: run, [POD_MARK]: "lost", [UNIT_MARK]: "pod/default/web-2/app" }),
    await start({ [RUN_MARK]: run, [POD_MARK]: "lost" }),
    // An older version did not mark units.
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
  await marked(t, other.path, { [RUN_MARK]: randomUUID() });
  assert.equal(findRun(folder.path), undefined);
  await marked(t, folder.path, { [RUN_MARK]: run });
  assert.equal(findRun(folder.path), run);
});
