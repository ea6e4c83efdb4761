import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type Resource } from "@xebec/model-resources";
import { syncStatus } from "../debug/sync-status.ts";
import { CLUSTER, entry, mesh, object, route, synced } from "../server/test-mesh.testkit.ts";
import { SotwClient } from "../test-client.testkit.ts";

describe("a NACK", () => {
  it("holds back what a proxy refuses, serves the last good version, and lets all else through", async () => {
    const { server, apply, nacks } = mesh();
    await apply([entry(1), entry(2)]);
    const client = await synced(server, [CLUSTER(1), CLUSTER(2)]);
    const rule = (n: number): Resource =>
      object("DestinationRule", `dr-${n}`, {
        host: `svc-${n}.example.com`,
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } },
      });
    await apply([rule(1), rule(2)]);
    client.take();
    client.send("cluster", [], `Error adding/updating cluster(s) ${CLUSTER(1)}: no`);
    assert.deepEqual(
      nacks.map(({ type, configKeys }) => [type, configKeys]),
      [
        [
          "cluster",
          ["networking.istio.io/ServiceEntry/default/se-1", "networking.istio.io/DestinationRule/default/dr-1"],
        ],
      ],
    );
    client.send("endpoint", [CLUSTER(1), CLUSTER(2)]);
    assert.ok(
      client.take().some(({ type }) => type === "cluster"),
      "the accepted rest is sent again",
    );
    client.send("cluster");
    client.send("endpoint", [CLUSTER(1), CLUSTER(2)]);
    client.take();
    client.send("endpoint", [CLUSTER(1), CLUSTER(2)]);
    assert.deepEqual(client.take(), []);
    // The culprit is tried again when it has changed.
    await apply([
      object("DestinationRule", "dr-1", {
        host: "svc-1.example.com",
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 8 } } },
      }),
    ]);
    assert.deepEqual(
      client.take().map(({ type }) => type),
      ["cluster", "endpoint"],
    );
  });

  it("finds the culprit when the refusal names nothing", async () => {
    const { server, apply, nacks } = mesh();
    await apply([1, 2, 3, 4].map((n) => entry(n)));
    const names = [1, 2, 3, 4].map(CLUSTER);
    const client = await synced(server, names);
    const rules = [1, 2, 3, 4].map((n) =>
      object("DestinationRule", `dr-${n}`, {
        host: `svc-${n}.example.com`,
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 1000 + n } } },
      }),
    );
    await apply(rules);
    // This proxy refuses every set that has 1003 connections (varint 0xeb 0x07) and says nothing of use.
    for (let i = 0; i < 20; i++) {
      const answers = client.take();
      if (answers.length === 0) break;
      for (const { type, response } of answers) {
        const bad =
          type === "cluster" &&
          response.resources.some((each) => Buffer.from(each.value).includes(Buffer.from([0xeb, 0x07])));
        client.send(
          type as "cluster",
          type === "endpoint" ? names : type === "route" ? ["80"] : [],
          bad ? "something is wrong" : undefined,
        );
      }
    }
    const [connection] = server.connections;
    const sub = connection?.subscriptions.get("cluster");
    assert.deepEqual(
      [...(sub?.quarantine ?? [])].map(([name, held]) => [name, held.confirmed]),
      [[CLUSTER(3), true]],
    );
    assert.equal(nacks.at(-1)?.configKeys.at(-1), "networking.istio.io/DestinationRule/default/dr-3");
    assert.equal(sub?.state, "idle");
  });

  it("does not repeat what only takes away and was refused, until there is something else", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = new SotwClient(server);
    client.send("cluster");
    client.take();
    client.send("cluster");
    await apply([], [keyOf(entry(2))]);
    assert.equal(client.take().length, 1);
    for (let i = 0; i < 3; i++) client.send("cluster", [], "overloaded");
    assert.deepEqual(client.take(), []);
    await apply([entry(3)]);
    assert.equal(client.take().length, 1);
  });

  it("gives proxies that refuse the same the very same sets", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const names = [CLUSTER(1), CLUSTER(2)];
    const clients = [await synced(server, names), await synced(server, names)];
    await apply([route(1, "1s"), entry(3), entry(4)]);
    for (const client of clients) {
      client.take();
      client.send("cluster", [], `cluster(s) ${CLUSTER(3)}: no`);
    }
    const [one, two] = [...server.connections].map((each) => each.subscriptions.get("cluster")?.sent);
    assert.ok(one?.resources.has(CLUSTER(4)) && !one.resources.has(CLUSTER(3)));
    assert.equal(one, two);
  });
});

describe("the objects that proxies reject", () => {
  it("reports an object as rejected while a proxy holds its resource back, and no longer", async () => {
    const { server, apply } = mesh();
    const bad = (connections: number): Resource =>
      object("DestinationRule", "dr", {
        host: "svc-1.example.com",
        trafficPolicy: { connectionPool: { tcp: { maxConnections: connections } } },
      });
    const refused = (): string[] => [...server.currentNacks.keys()].filter((each) => each.includes("DestinationRule"));
    await apply([entry(1), entry(2)]);
    const client = await synced(server, [CLUSTER(1), CLUSTER(2)]);
    await apply([bad(7)]);
    client.take();
    client.send("cluster", [], `cluster(s) ${CLUSTER(1)}: no`);
    assert.deepEqual(refused(), ["networking.istio.io/DestinationRule/default/dr"]);
    assert.equal([...server.currentNacks.values()][0]?.message, `cluster(s) ${CLUSTER(1)}: no`);
    await apply([bad(8)]);
    assert.deepEqual(refused(), [], "its new version gets a new chance");
    client.take();
    client.send("cluster", [], `cluster(s) ${CLUSTER(1)}: no`);
    assert.equal(refused().length, 1);
    client.stream.end();
    assert.deepEqual(refused(), [], "nobody refuses it any more");
  });

  it("reports who rejects an object, of how many, and asks nobody who is not authenticated", async () => {
    const { server, apply, nacks } = mesh();
    await apply([entry(1)]);
    const clients = [
      await synced(server, [CLUSTER(1)], {}),
      await synced(server, [CLUSTER(1)]),
      await synced(server, [CLUSTER(1)]),
    ];
    const rule = { host: "svc-1.example.com", trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } };
    await apply([object("DestinationRule", "dr", rule)]);
    const refuse = (n: number): void => {
      clients[n]?.take();
      clients[n]?.send("cluster", [], `\u001b[2Jcluster(s) ${CLUSTER(1)}:\nno\u009b`);
    };
    const key = "networking.istio.io/DestinationRule/default/dr";
    refuse(0);
    assert.equal(nacks.length, 1);
    assert.equal(server.currentNacks.size, 0, "anybody may say no on the plaintext port");
    refuse(1);
    assert.deepEqual(server.currentNacks.get(key), {
      ...{ proxy: "app-1.default-2", count: 1, of: 2 },
      message: `\\u001b[2Jcluster(s) ${CLUSTER(1)}: no\\u009b`,
    });
    refuse(2);
    assert.equal(server.currentNacks.get(key)?.count, 2);
    const [first] = [...server.connections].map(syncStatus);
    assert.equal(first?.authenticated, false);
    assert.match(JSON.stringify(first?.resources), /no\\\\u009b/, "proxy-status shows it all the same");
  });

  it("reports no object as rejected that is only suspected", async () => {
    const { server, apply } = mesh();
    await apply([1, 2, 3].map((n) => entry(n)));
    const client = await synced(server, [1, 2, 3].map(CLUSTER));
    await apply([entry(4), entry(5)]);
    client.take();
    client.send("cluster", [], "something is wrong");
    assert.deepEqual([...server.currentNacks], []);
  });
});
