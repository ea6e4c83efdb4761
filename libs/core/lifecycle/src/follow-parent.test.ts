import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";

const MODULE = JSON.stringify(import.meta.resolve("./follow-parent.ts"));
/** Says its process id, and once its parent has gone, that it has gone. */
const CHILD = `
  import { followParent } from ${MODULE};
  const alive = setInterval(() => {}, 1_000);
  followParent(() => { console.log("gone"); clearInterval(alive); });
  console.log(process.pid);`;

it("a process that follows its parent learns that it has gone", async () => {
  // The shell in between, as npx has one; the child inherits our pipe.
  const shell = spawn("sh", ["-c", '"$0" --input-type=module -e "$1" & wait', process.execPath, CHILD], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  shell.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const ended = once(shell.stdout, "end", { signal: AbortSignal.timeout(20_000) });
  try {
    while (!said.includes("\n")) await once(shell.stdout, "data", { signal: AbortSignal.timeout(20_000) });
    assert.match(said, /^\d+\n$/);
    shell.kill("SIGKILL");
    await ended;
    assert.match(said, /^\d+\ngone\n$/);
  } catch (error) {
    const pid = Number.parseInt(said, 10);
    if (pid > 1) process.kill(pid, "SIGKILL");
    throw error;
  } finally {
    shell.kill("SIGKILL");
  }
});
