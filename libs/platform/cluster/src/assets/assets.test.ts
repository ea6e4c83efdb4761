import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { sleep } from "@xebec/core-async";
import { findKubeAssets, findKubeProgram, kubeCache } from "./find.ts";
import { groupFolder } from "./groups.ts";
import { withLock } from "./lock.ts";

const ROOT = resolve(import.meta.dirname, "../../../../..");

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "xebec-assets-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function program(directory: string, name: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(path, "", { mode: 0o755 });
  return path;
}

test("a program is taken from KUBEBUILDER_ASSETS, then from the cache, then from PATH", (t) => {
  const home = folder(t);
  const env: Record<string, string> = { XDG_CACHE_HOME: home, PATH: join(home, "path") };
  const places = { root: ROOT, env };
  assert.equal(findKubeProgram("kubectl", places), undefined);
  const onPath = program(join(home, "path"), "kubectl");
  assert.equal(findKubeProgram("kubectl", places), onPath);
  const cached = program(join(kubeCache(env), groupFolder("kubectl", ROOT), "bin"), "kubectl");
  assert.equal(findKubeProgram("kubectl", places), cached);
  env.KUBEBUILDER_ASSETS = join(home, "given");
  assert.equal(findKubeProgram("kubectl", places), cached);
  const given = program(join(home, "given"), "kubectl");
  assert.equal(findKubeProgram("kubectl", places), given);
});

test("what is missing is named, with what to do", (t) => {
  const env = { XDG_CACHE_HOME: folder(t), PATH: "" };
  assert.throws(
    () => findKubeAssets({ root: ROOT, env }, ["kube-apiserver", "helm"]),
    /kube-apiserver, helm not found; "npm run kube-assets"/,
  );
});

test("two makers take turns, and the lock of one that is gone counts for nothing", async (t) => {
  const path = join(folder(t), "lock");
  // No process of that number began then.
  writeFileSync(path, JSON.stringify({ pid: 1, startTime: "99999999999" }));
  let inside = 0;
  let most = 0;
  const waiting: number[] = [];
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await sleep(20);
    inside--;
  };
  await Promise.all([1, 2].map(() => withLock(path, work, (pid) => waiting.push(pid))));
  assert.equal(most, 1);
  assert.deepEqual(waiting, [process.pid]);
  assert.equal(existsSync(path), false);
});
