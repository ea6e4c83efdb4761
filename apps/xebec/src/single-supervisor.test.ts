import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { claimRunDirectory } from "./single-supervisor.ts";

test("a run directory has one supervisor, until that one is killed", async (t) => {
  using folder = tempDir();
  const script = `import { claimRunDirectory } from ${JSON.stringify(join(import.meta.dirname, "single-supervisor.ts"))};
    await claimRunDirectory(process.argv[1]); setInterval(() => {}, 1000); console.log("claimed");`;
  const first = spawn(process.execPath, ["--input-type=module", "-e", script, folder.path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => first.kill("SIGKILL"));
  await once(first.stdout, "data");
  await assert.rejects(claimRunDirectory(folder.path), {
    code: "failed_precondition",
    message: `another supervisor runs already in ${folder.path}; end it with "xebec down"`,
  });
  first.kill("SIGKILL");
  await once(first, "exit");
  await claimRunDirectory(folder.path);
});
