// A mesh whose run directory has a small disk, which fills up under load, and whose configuration becomes read-only. Run by
// bad-days.test.ts in a mount namespace: bad-disk.ts RUN-DISK CONFIG-DISK
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, cpSync, openSync, rmdirSync, rmSync, statfsSync, symlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import type { ProcessStatus } from "@xebec/platform-local";
import { killHard, Load, Mesh, reviewsTo } from "./mesh.ts";

const CONVERGED_MS = 20_000;
const KILLED = ["galley", "pilot", "mixer-telemetry", "mixer-policy"];

const [runDisk, configDisk] = process.argv.slice(2) as [string, string];
const mesh = await Mesh.start({
  prepare: ({ runDir, configDir }) => {
    rmdirSync(runDir);
    symlinkSync(runDisk, runDir);
    cpSync(configDir, configDisk, { recursive: true });
    rmSync(configDir, { recursive: true });
    symlinkSync(configDisk, configDir);
  },
});
const remount = (mode: "ro" | "rw"): unknown => execFileSync("mount", ["-o", `remount,${mode}`, configDisk]);
try {
  const load = new Load(mesh);
  await load.more(20);
  const filler = fill(join(mesh.runDir, "filler"));
  assert.equal(statfsSync(mesh.runDir).bfree, 0, "the disk is full");
  mesh.copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
  const killed = await Promise.all(KILLED.map((each) => mesh.pid(each)));
  await Promise.all(killed.map(killHard));
  // nats-server says by itself that it cannot store.
  const isBack = ({ name, ready, pid }: ProcessStatus): boolean =>
    name === "nats" || (ready && !killed.includes(pid ?? 0));
  await waitFor("the killed services are back", CONVERGED_MS, async () =>
    (await mesh.status()).processes.every(isBack),
  );
  await load.more(50);
  rmSync(filler);
  await waitFor("everything is well", CONVERGED_MS, async () =>
    (await mesh.status()).processes.every((managed) => managed.ready),
  );
  await waitFor("the change that came meanwhile", CONVERGED_MS, () => allAre("v1"));
  mesh.save("routes.yaml", reviewsTo("v2"));
  await waitFor("the next change", CONVERGED_MS, () => allAre("v2"));
  await waitFor("what is reported of it", CONVERGED_MS, async () =>
    (await mesh.conditions()).some((each) => each.object.endsWith("/reviews") && each.source === "routes.yaml"),
  );

  remount("ro");
  await load.more(50);
  const toV3 = reviewsTo("v3");
  for (const [command, text] of [
    ["apply", toV3],
    ["apply", toV3.replace("name: reviews", "name: other")],
    ["delete", reviewsTo("v2")],
  ] as const) {
    const { code, err } = await mesh.xebec([command, "-f", "-"], text);
    assert.equal(code, 1, command);
    assert.match(err, /^xebec: .*\.yaml.*(EROFS|read-only).*\n$/, "one sentence that names the file");
  }
  assert.ok(await allAre("v2"));
  remount("rw");
  assert.deepEqual(await mesh.xebec(["apply", "-f", "-"], toV3).then(({ code }) => code), 0);
  await waitFor("what was applied", CONVERGED_MS, () => allAre("v3"));
  await load.end();
  assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  console.log(`${load.sent} requests, none failed`);
} finally {
  await mesh[Symbol.asyncDispose]();
}

async function allAre(version: string): Promise<boolean> {
  for (let i = 0; i < 10; i++) if ((await mesh.reviewsVersion()) !== version) return false;
  return true;
}

/** Writes until nothing more fits. */
function fill(path: string): string {
  const file = openSync(path, "w");
  for (const size of [1 << 20, 4096, 1])
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  closeSync(file);
  return path;
}
