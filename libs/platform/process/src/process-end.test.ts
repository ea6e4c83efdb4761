import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { otherProcessEnd, type ProcessId, processOf } from "./index.ts";

const NEVER = new AbortController().signal;

/** A process whose parent is not this one. */
function stranger(): ProcessId {
  const id = processOf(Number(execFileSync("/bin/sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"]).toString()));
  assert.ok(id);
  return id;
}

test("the end of a process that somebody else has started is noticed, a zombie and a number used again too", async () => {
  const id = stranger();
  let over = false;
  const end = otherProcessEnd(id, NEVER).then(() => {
    over = true;
  });
  const later = { pid: process.pid, startTime: "1" };
  await otherProcessEnd(later, NEVER); // the number is another process's now
  const stop = new AbortController();
  const givenUp = otherProcessEnd(id, stop.signal);
  stop.abort();
  await givenUp;
  assert.equal(over, false);
  process.kill(id.pid, "SIGKILL");
  await end;
  // A child that nobody waits for: the shell stops itself before it could.
  const shell = spawn("/bin/sh", ["-c", "sleep 0 & echo $!; kill -STOP $$"], { stdio: ["ignore", "pipe", "ignore"] });
  let pid = 0;
  shell.stdout.on("data", (text) => {
    pid = Number(text);
  });
  await waitFor("the shell's child", 2_000, () => pid > 0);
  await otherProcessEnd({ pid, startTime: processOf(pid)?.startTime ?? "" }, NEVER);
  shell.kill("SIGKILL");
});
