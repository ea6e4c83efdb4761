import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createNatsBus } from "@xebec/platform-bus";
import { freePort, startNatsServer, tempDir } from "@xebec/testing-launch";

// In a suite, so that its hooks are not those of all files in the process.
describe("sink crash", () => {
  // Replicas and a sink as processes of their own, which are killed under load.

  interface Said {
    readonly accepted?: readonly string[];
    readonly refused?: readonly string[];
    readonly totals: Readonly<Record<string, number>>;
  }

  const children = new Set<ChildProcess>();
  after(() => {
    for (const each of children) each.kill("SIGKILL");
  });

  function start(script: string, ...args: readonly string[]): ChildProcess {
    const child = fork(new URL(script, import.meta.url), args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    children.add(child);
    child.on("exit", () => children.delete(child));
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  test("kill -9 of the sink and of a replica under load: what was accepted arrives, and the counters add up", async (t) => {
    const nats = await startNatsServer();
    t.after(() => nats.close());
    const folder = tempDir();
    t.after(() => folder.remove());
    const [port, file] = [await freePort(), folder.file("taken")];
    const url = `http://127.0.0.1:${port}/`;
    const accepted = new Set<string>();
    const totals: Readonly<Record<string, number>>[] = [];
    const replica = async (): Promise<ChildProcess> => {
      const child = start("./sink-replica.testkit.ts", nats.address, url);
      const at = totals.push({}) - 1;
      child.on("message", (said: Said) => {
        totals[at] = said.totals;
        for (const each of said.accepted ?? []) accepted.add(each);
      });
      await once(child, "message");
      return child;
    };
    const sink = async (): Promise<ChildProcess> => {
      const child = start("./sink-server.testkit.ts", String(port), file);
      await once(child, "message");
      return child;
    };
    const bus = createNatsBus({ servers: [nats.address], name: "test" });
    await bus.start(new AbortController().signal);
    t.after(() => bus.close?.());
    await waitFor("the queue is there", 10_000, async () => {
      const found = await bus.work?.waiting("sink.ns").catch(() => undefined);
      return found !== undefined;
    });
    let taking = await sink();
    const [stays, dies] = [await replica(), await replica()];
    let next = 0;
    const report = (...to: readonly ChildProcess[]): void => {
      for (const each of to) if (each.connected) each.send(Array.from({ length: 10 }, () => `r${next++}`));
    };
    const load = setInterval(() => report(stays, dies), 5);
    t.after(() => clearInterval(load));
    await waitFor("some is taken", 10_000, () => existsSync(file) && accepted.size > 500);
    await kill(taking);
    const before = accepted.size;
    await waitFor("records are accepted while the sink is dead", 10_000, () => accepted.size > before + 1_000);
    await kill(dies);
    const then = accepted.size;
    await waitFor("the other one goes on", 10_000, () => accepted.size > then + 500);
    taking = await sink();
    const third = await replica();
    report(third);
    clearInterval(load);
    const taken = (): string[] => (existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []);
    // What the dead replica held is given to another one after 10 s.
    await waitFor("everything that was accepted is taken", 40_000, () => {
      const found = new Set(taken());
      return [...accepted].every((each) => found.has(each));
    });
    await waitFor("nothing waits on the bus", 20_000, async () => (await bus.work?.waiting("sink.ns"))?.items === 0);
    assert.ok(accepted.size > 2_000);
    const sum = (what: string): number => totals.reduce((all, each) => all + (each[what] ?? 0), 0);
    await waitFor("the counters are heard of", 5_000, () => sum("delivered") + (sum("dropped") || 0) > 0);
    assert.equal(sum("dropped"), 0);
    // At least once: what a killed process had sent and not said is sent again, so more may be delivered than there is.
    const unique = new Set(taken()).size;
    assert.ok(unique >= accepted.size && unique <= next, `${unique} of ${next}, ${accepted.size} accepted`);
    const living: readonly number[] = [0, 2];
    const dead = 1;
    const of = (at: number, what: string): number => totals[at]?.[what] ?? 0;
    const acceptedByLiving = living.reduce((all, at) => all + of(at, "accepted"), 0);
    const delivered = sum("delivered");
    assert.ok(delivered >= acceptedByLiving, `${delivered} delivered, ${acceptedByLiving} accepted`);
    assert.ok(delivered <= taken().length, "nothing is counted that the sink did not take");
    t.diagnostic(
      `${next} reported, ${accepted.size} accepted, ${unique} taken, ${taken().length - unique} twice, ${of(dead, "delivered")} by the dead one`,
    );
  });
});
