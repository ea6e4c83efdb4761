import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { Load, Mesh } from "./mesh.ts";
import { slowApp } from "./slow-app.ts";

const CONVERGED_MS = 20_000;

describe("drills", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({ prepare: (each) => each.save("slow.yaml", slowApp()) });
    await waitFor("the slow app", CONVERGED_MS, async () => (await mesh.get("/slow")).status === 200);
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  it("a rolling update, and scaling down and up, lose no request", async () => {
    await using load = new Load(mesh, "/slow", ({ status }) => status === 200);
    await load.more(10);
    const pods = async (): Promise<string[]> =>
      (await mesh.status()).units.flatMap(({ name, ready }) => (ready && name.includes("/slow-") ? [name] : []));
    const before = await pods();
    mesh.save("slow.yaml", slowApp({ version: "v2" }));
    await waitFor("two new pods", CONVERGED_MS, async () => {
      const now = await pods();
      return now.length === 2 && !now.some((each) => before.includes(each));
    });
    await load.more(20);
    for (const replicas of [1, 3, 2]) {
      mesh.save("slow.yaml", slowApp({ version: "v2", replicas }));
      await waitFor(`${replicas} pods`, CONVERGED_MS, async () => (await pods()).length === replicas);
      await load.more(20);
    }
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("scaling one of three versions to zero and back loses no request", async () => {
    await using load = new Load(mesh);
    const scale = (replicas: number): Promise<string> => scaled(mesh, "reviews-v3", replicas);
    const has = async (): Promise<number> =>
      (await mesh.status()).units.filter(({ name, ready }) => ready && name.includes("/reviews-v3-")).length;
    await scale(0);
    await waitFor("no pod", CONVERGED_MS, async () => (await has()) === 0);
    await load.more(50);
    await scale(1);
    await waitFor("one pod", CONVERGED_MS, async () => (await has()) === 1);
    await load.more(50);
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });
});

/** Writes Bookinfo's manifests with other replicas of a Deployment. */
async function scaled(mesh: Mesh, deployment: string, replicas: number): Promise<string> {
  const { readFileSync } = await import("node:fs");
  const { join } = await import("node:path");
  const file = "platform-bookinfo.yaml";
  const text = readFileSync(join(mesh.configDir, file), "utf8");
  const changed = text
    .split("\n---\n")
    .map((each) =>
      each.includes("kind: Deployment") && new RegExp(`name: ${deployment}\\b`).test(each)
        ? each.replace(/replicas: \d+/, `replicas: ${replicas}`)
        : each,
    )
    .join("\n---\n");
  assert.ok(changed.includes(`replicas: ${replicas}`), `${deployment} is not in ${file}`);
  mesh.save(file, changed);
  return changed;
}
