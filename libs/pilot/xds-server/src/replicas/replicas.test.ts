import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryBus } from "@xebec/platform-bus";
import { Replicas } from "./replicas.ts";

const TIMES = { beatMs: 1_000, goneMs: 3_000 };
/** Lets what was sent arrive. */
const arrived = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe("copies of pilot on a bus", () => {
  const start = async (bus: ReturnType<typeof createMemoryBus>, id: string): Promise<Replicas> => {
    const replicas = new Replicas({ bus, id, ...TIMES });
    await replicas.start();
    await arrived();
    return replicas;
  };

  it("know each other at once, and the first one by name leads", async ({ mock }) => {
    mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    const bus = createMemoryBus();
    const b = await start(bus, "b");
    assert.deepEqual([b.others, b.isLeader], [[], true]);
    let changes = 0;
    b.onChange(() => changes++);
    const a = await start(bus, "a");
    assert.deepEqual([a.others, a.isLeader, b.others, b.isLeader], [["b"], true, ["a"], false]);
    assert.ok(changes > 0);
    await a.close();
    await arrived();
    assert.deepEqual([b.others, b.isLeader], [[], true]);
    await b.close();
  });

  it("are gone when they are not heard any more", async ({ mock }) => {
    mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    let now = 0;
    mock.method(performance, "now", () => now);
    const bus = createMemoryBus();
    // As a process leaves it that was killed.
    await bus.bucket("replicas").put("alive/a", Buffer.from("{}"));
    const b = await start(bus, "b");
    assert.deepEqual([b.isAlive("a"), b.isLeader], [true, false]);
    for (let i = 0; i < 5; i++) {
      now += TIMES.beatMs;
      mock.timers.tick(TIMES.beatMs);
    }
    assert.deepEqual([b.isAlive("a"), b.isLeader], [false, true]);
    await b.close();
  });
});
