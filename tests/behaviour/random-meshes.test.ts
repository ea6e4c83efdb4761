// Whatever is valid, real Envoys of every kind accept: objects of all kinds come, change and go in a mesh that runs.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { RANDOM_PROXIES, RandomMesh, randomStep } from "../golden/arbitrary-mesh.ts";
import { type Lab, openLab } from "./lab/lab.ts";

/** More of them show more: `XEBEC_RANDOM_CHANGES=5000 node --test tests/behaviour/random-meshes.test.ts`. */
const CHANGES = Number(process.env.XEBEC_RANDOM_CHANGES ?? 150);
const SEED = Number(process.env.XEBEC_RANDOM_SEED ?? 20_261_129);
/** A mesh that only grows has many objects that nothing looks at. */
const MOST_OBJECTS = 40;
/** Whether an address is the machine's own, and free, is not the configuration's matter. */
const BUSY_ADDRESS = /\S+: cannot bind '[^']*': [A-Z][a-z ]+/g;
const NOTHING_ELSE = /^Error adding\/updating listener\(s\)\s*$/;

describe("real Envoys accept whatever is valid", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({ proxies: RANDOM_PROXIES, secrets: [] });
  });
  after(() => lab?.close());

  it(`in ${CHANGES} configurations, swapped in place`, { timeout: 60_000 + CHANGES * 1_000 }, async () => {
    const mesh = new RandomMesh();
    const rejected: string[] = [];
    for (const [i, step] of fc.sample(randomStep(5), { seed: SEED, numRuns: CHANGES }).entries()) {
      const change = mesh.change({
        ...step,
        gone: mesh.objects.size > MOST_OBJECTS ? [...step.gone, ...Array(20).keys()] : step.gone,
      });
      for (let found = await lab.change(change); found.length > 0; ) {
        for (const { proxy, type, message, configKeys } of found) {
          if (NOTHING_ELSE.test(message.replaceAll(BUSY_ADDRESS, ""))) continue;
          const blamed = configKeys.map((key) => JSON.stringify(mesh.objects.get(key) ?? key));
          rejected.push(`seed ${SEED}, change ${i}: ${proxy} rejects a ${type}: ${message}\n${blamed.join("\n")}`);
        }
        // A proxy keeps the last good form of what it has rejected: it begins anew.
        found = await lab.change(mesh.clear());
      }
      if (rejected.length > 10) break;
    }
    assert.deepEqual(rejected, []);
  });
});
