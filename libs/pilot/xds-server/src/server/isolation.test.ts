import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { waitFor } from "@xebec/core-async";
import { DeltaClient, SotwClient } from "../test-client.testkit.ts";
import { CLUSTER, entry, mesh, prepared, synced } from "./test-mesh.testkit.ts";

describe("a stream", () => {
  it("keeps an error of one proxy from the others, also when it waited for their writes", async () => {
    const { server, apply } = mesh();
    await apply(Array.from({ length: 500 }, (_, n) => entry(n)));
    await prepared(server);
    const done: (() => void)[] = [];
    const open = (): SotwClient => {
      const client = new SotwClient(server);
      client.stream.handed = (handed) => void done.push(handed);
      client.send("cluster");
      return client;
    };
    const clients: SotwClient[] = [];
    do clients.push(open());
    while (clients.at(-1)?.stream.written.length === 1);
    const last = open();
    const broken = clients.at(-1) as SotwClient;
    broken.stream.write = () => {
      throw new Error("an error of its own");
    };
    for (const each of done.splice(0)) each();
    assert.match(String(broken.stream.failure), /an error of its own/);
    assert.equal(last.take().length, 1);
    assert.ok([...server.connections].length === clients.length);
  });

  it("refuses a stream whose first request has no node", () => {
    const { server } = mesh();
    const client = new SotwClient(server);
    client.send("cluster");
    const other = new SotwClient(server);
    assert.throws(() => other.stream.message(Buffer.from([0x22, 0x01, 0x61])), /must carry the node/);
  });
});

describe("memory", () => {
  it("puts no message together before there is room for it", async () => {
    const { server, apply } = mesh();
    await apply(Array.from({ length: 500 }, (_, n) => entry(n)));
    await prepared(server);
    const clients = Array.from({ length: 100 }, () => new DeltaClient(server));
    const before = process.memoryUsage().arrayBuffers;
    for (const [n, client] of clients.entries()) {
      client.stream.write = () => true;
      // Each has something else, so that no two share a message.
      client.send("cluster", { initial: { [`x-${n}`]: "1" } });
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20);
  });

  it("keeps nothing for long of what no proxy asks for any more", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const stays = await synced(server, [CLUSTER(1)]);
    const size = server.generator?.cacheSize ?? 0;
    const roams = new DeltaClient(server);
    roams.send("route", { subscribe: ["80"] });
    for (let i = 0; i < 1_300; i++) {
      roams.send("route", { nonce: roams.take().at(-1)?.response.nonce ?? "" });
      roams.send("route", { subscribe: [`r${i}`], unsubscribe: [`r${i - 1}`] });
      // Passes over the cache take turns of the event loop.
      if (i % 50 === 0) await nextTurn();
    }
    const isFree = (most: number) => () => (server.generator?.cacheSize ?? 0) <= most;
    await waitFor("the pass over them is made", 5_000, isFree(1_100), 1);
    roams.stream.end();
    await waitFor("all of the one that has gone is free", 5_000, isFree(size), 1);
    stays.stream.end();
    await waitFor("all is free", 5_000, isFree(0), 1);
  });

  it("is freed in turns when there are many clients, and what they have stays", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const clients = Array.from({ length: 1_000 }, (_, n) => {
      const client = new DeltaClient(server);
      client.send("endpoint", { subscribe: [CLUSTER(1), `x-${n}`] });
      return client;
    });
    const size = server.generator?.cacheSize ?? 0;
    for (const client of clients.slice(0, 400)) client.stream.end();
    assert.equal(server.generator?.cacheSize, size, "nothing of it at once");
    await waitFor("it is freed", 10_000, () => (server.generator?.cacheSize ?? 0) <= size - 400, 0);
    const kept = [...server.connections].map((each) => each.subscriptions.get("endpoint")?.sent);
    const { generator } = server;
    assert.ok(generator && kept.length === 600);
    for (const [n, { proxy, subscriptions }] of [...server.connections].entries()) {
      const sub = subscriptions.get("endpoint");
      if (sub) assert.equal(generator.resources(sub.type, proxy, generator.proxyClass(proxy), sub.names), kept[n]);
    }
  });
});
