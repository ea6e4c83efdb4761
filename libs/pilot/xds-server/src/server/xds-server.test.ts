import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { keyOf, type Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { syncStatus } from "../debug/debug.ts";
import { type ClientOptions, DeltaClient, SotwClient } from "../test-client.testkit.ts";
import { type NackReport, XdsServer } from "./xds-server.ts";

const CLUSTER = (n: number): string => `outbound|80||svc-${n}.example.com`;

function entry(n: number, addresses: readonly string[] = ["10.0.0.1"]): Resource {
  return object("ServiceEntry", `se-${n}`, {
    hosts: [`svc-${n}.example.com`],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    endpoints: addresses.map((address) => ({ address })),
  });
}

function route(n: number, timeout: string): Resource {
  return object("VirtualService", `vs-${n}`, {
    hosts: [`svc-${n}.example.com`],
    http: [{ route: [{ destination: { host: `svc-${n}.example.com` } }], timeout }],
  });
}

function object(kind: string, name: string, spec: unknown): Resource {
  return {
    group: "networking.istio.io",
    version: "v1",
    kind,
    namespace: "default",
    name,
    creationTimestamp: "2026-01-01T00:00:00Z",
    spec,
  };
}

function mesh() {
  const nacks: NackReport[] = [];
  const server = new XdsServer({ metrics: createMetrics(), onNack: (report) => nacks.push(report) });
  const builder = new MeshBuilder();
  const apply = (puts: readonly Resource[], deletes: readonly string[] = []): Promise<void> =>
    server.update(builder.apply({ config: { puts, deletes } }));
  return { server, apply, nacks };
}

/** A client that has everything and has acknowledged it. */
async function synced(
  server: XdsServer,
  names: readonly string[],
  options: ClientOptions = { authenticated: true },
): Promise<SotwClient> {
  const client = new SotwClient(server, options);
  for (const [type, wanted] of [
    ["cluster", []],
    ["endpoint", names],
    ["listener", []],
    ["route", ["80"]],
  ] as const) {
    client.send(type, wanted);
    assert.equal(client.take()[0]?.type, type);
    client.send(type, wanted);
  }
  assert.deepEqual(client.take(), []);
  return client;
}

/** Waits until the parts of a large configuration are made. */
async function prepared(server: XdsServer): Promise<void> {
  const client = new SotwClient(server);
  client.send("cluster");
  await waitFor("the first client has its clusters", 10_000, () => client.stream.written.length > 0);
  client.stream.end();
}

describe("ADS, state of the world", () => {
  it("answers nothing until the first snapshot, then everything that was asked", async () => {
    const { server, apply } = mesh();
    const client = new SotwClient(server);
    client.send("cluster");
    assert.deepEqual(client.take(), []);
    await apply([entry(1)]);
    const [answer] = client.take();
    assert.equal(answer?.type, "cluster");
    assert.ok((answer?.count ?? 0) >= 2);
  });

  it("sends only the endpoints that changed", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = await synced(server, [CLUSTER(1), CLUSTER(2)]);
    await apply([entry(1, ["10.0.0.1", "10.0.0.2"])]);
    const answers = client.take();
    assert.deepEqual(
      answers.map(({ type, count }) => [type, count]),
      [["endpoint", 1]],
    );
  });

  it("sends nothing for a change that concerns nobody", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const client = await synced(server, [CLUSTER(1)]);
    await apply([entry(1)]);
    await apply([route(7, "1s")]);
    await apply([], [keyOf(route(7, "1s"))]);
    assert.deepEqual(
      client.take().filter(({ type }) => type !== "route"),
      [],
    );
  });

  it("brings a new service in order: clusters and their endpoints, then, when both were taken, routes", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const client = await synced(server, [CLUSTER(1)]);
    await apply([entry(2), route(1, "2s")]);
    assert.deepEqual(
      client.take().map(({ type }) => type),
      ["cluster"],
    );
    // Envoy asks for the endpoints of the new cluster first, and acknowledges the cluster when it has them.
    client.send("endpoint", [CLUSTER(1), CLUSTER(2)]);
    assert.deepEqual(
      client.take().map(({ type }) => type),
      ["endpoint"],
    );
    client.send("endpoint", [CLUSTER(1), CLUSTER(2)]);
    assert.deepEqual(client.take(), [], "routes wait until the cluster is warm");
    client.send("cluster");
    assert.deepEqual(
      client.take().map(({ type }) => type),
      ["route"],
    );
  });

  it("removes a cluster only after the routes without it were accepted", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = await synced(server, [CLUSTER(1), CLUSTER(2)]);
    await apply([], [keyOf(entry(2))]);
    assert.deepEqual(
      client.take().map(({ type }) => type),
      ["route"],
      "its endpoints stay too until then",
    );
    client.send("route", ["80"]);
    const [last] = client.take();
    assert.equal(last?.type, "cluster");
    const names = JSON.stringify(last?.response.resources.map((each) => Buffer.from(each.value).toString("latin1")));
    assert.ok(!names.includes("svc-2.example.com"));
  });

  it("sends the endpoints again with a cluster that has changed", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const client = await synced(server, [CLUSTER(1)]);
    const rule = { host: "svc-1.example.com", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } };
    await apply([object("DestinationRule", "dr", rule)]);
    assert.deepEqual(
      client.take().map(({ type, count }) => [type, type === "endpoint" ? count : 0]),
      [
        ["cluster", 0],
        ["endpoint", 1],
      ],
    );
  });

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

  it("tells an object as refused while a proxy holds its resource back, and no longer", async () => {
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

  it("tells who refuses an object, of how many, and asks nobody who is not authenticated", async () => {
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

  it("tells nobody as refused of whom it is only suspected", async () => {
    const { server, apply } = mesh();
    await apply([1, 2, 3].map((n) => entry(n)));
    const client = await synced(server, [1, 2, 3].map(CLUSTER));
    await apply([entry(4), entry(5)]);
    client.take();
    client.send("cluster", [], "something is wrong");
    assert.deepEqual([...server.currentNacks], []);
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
    }
    assert.ok((server.generator?.cacheSize ?? 0) < 1_100);
    roams.stream.end();
    assert.equal(server.generator?.cacheSize, size);
    stays.stream.end();
    assert.equal(server.generator?.cacheSize, 0);
  });

  it("ignores answers to messages that were overtaken", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const client = await synced(server, [CLUSTER(1)]);
    await apply([route(1, "1s")]);
    const [first] = client.take();
    assert.equal(first?.type, "route");
    client.send("route", ["80"]);
    await apply([route(1, "2s")]);
    client.take();
    const [connection] = server.connections;
    const before = connection?.subscriptions.get("route")?.nonce;
    const stale = new SotwClient(server);
    stale.send("route", ["80"]);
    assert.equal(connection?.subscriptions.get("route")?.nonce, before);
  });

  it("keeps a fault of one proxy from the others, also when it waited for their writes", async () => {
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
    const faulty = clients.at(-1) as SotwClient;
    faulty.stream.write = () => {
      throw new Error("a fault of its own");
    };
    for (const each of done.splice(0)) each();
    assert.match(String(faulty.stream.failure), /a fault of its own/);
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

describe("ADS, delta", () => {
  it("sends each resource by itself and names those that are gone", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = new DeltaClient(server);
    client.send("cluster");
    const [all] = client.take();
    assert.ok(all?.names.includes(CLUSTER(1)));
    client.send("cluster", { nonce: all?.response.nonce ?? "" });
    await apply([entry(3)], [keyOf(entry(2))]);
    const [added] = client.take();
    assert.deepEqual(added?.names, [CLUSTER(3)]);
    client.send("cluster", { nonce: added?.response.nonce ?? "" });
    const [removed] = client.take();
    assert.deepEqual(removed?.response.removedResources, [CLUSTER(2)]);
  });

  it("sends a client that comes back only what differs from what it still has", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const first = new DeltaClient(server);
    first.send("cluster");
    const [all] = first.take();
    const versions = Object.fromEntries((all?.response.resources ?? []).map((each) => [each.name, each.version]));
    await apply([entry(3)]);
    const again = new DeltaClient(server);
    again.send("cluster", { initial: versions });
    assert.deepEqual(again.take()[0]?.names, [CLUSTER(3)]);
  });

  it("answers names as they are asked for, and again when they are asked for again", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = new DeltaClient(server);
    client.send("endpoint", { subscribe: [CLUSTER(1)] });
    const [one] = client.take();
    assert.deepEqual(one?.names, [CLUSTER(1)]);
    client.send("endpoint", { nonce: one?.response.nonce ?? "" });
    client.send("endpoint", { subscribe: [CLUSTER(2)] });
    const [two] = client.take();
    assert.deepEqual(two?.names, [CLUSTER(2)]);
    client.send("endpoint", { nonce: two?.response.nonce ?? "" });
    client.send("endpoint", { subscribe: [CLUSTER(1)] });
    assert.deepEqual(client.take()[0]?.names, [CLUSTER(1)]);
  });

  const versionsOf = (answer: { response: { resources: { name: string; version: string }[] } } | undefined) =>
    Object.fromEntries((answer?.response.resources ?? []).map((each) => [each.name, each.version]));

  it("sends a client that comes back no endpoints that it still has, but those of clusters that changed", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const first = new DeltaClient(server);
    first.send("cluster");
    const [clusters] = first.take();
    first.send("endpoint", { subscribe: [CLUSTER(1), CLUSTER(2)] });
    const [endpoints] = first.take();
    const rule = { host: "svc-1.example.com", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } };
    await apply([object("DestinationRule", "dr", rule)]);
    const again = new DeltaClient(server);
    again.send("cluster", { initial: versionsOf(clusters) });
    assert.deepEqual(again.take()[0]?.names, [CLUSTER(1)]);
    again.send("endpoint", { subscribe: [CLUSTER(1), CLUSTER(2)], initial: versionsOf(endpoints) });
    assert.deepEqual(again.take()[0]?.names, [CLUSTER(1)]);
  });

  it("takes clusters from a client that comes back only after its routes were accepted", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const first = new DeltaClient(server);
    first.send("cluster");
    const [clusters] = first.take();
    first.send("route", { subscribe: ["80"] });
    const [routes] = first.take();
    await apply([], [keyOf(entry(2))]);
    const again = new DeltaClient(server);
    again.send("cluster", { initial: versionsOf(clusters) });
    again.send("route", { subscribe: ["80"], initial: versionsOf(routes) });
    again.send("listener", { initial: { x: "1" } });
    const said = () => again.take().map(({ type, names, response }) => [type, names, response.removedResources]);
    const nonceOf = (type: "cluster" | "route" | "listener") =>
      [...server.connections].at(-1)?.subscriptions.get(type)?.nonce ?? "";
    assert.deepEqual(said(), [["cluster", [], []]]);
    again.send("cluster", { nonce: nonceOf("cluster") });
    assert.equal(said()[0]?.[0], "listener");
    again.send("listener", { nonce: nonceOf("listener") });
    assert.equal(said()[0]?.[0], "route");
    again.send("route", { nonce: nonceOf("route") });
    assert.deepEqual(said(), [["cluster", [], [CLUSTER(2)]]]);
  });

  it("never sends a resource of which only the client knows the bytes", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), route(1, "1s")]);
    const client = new DeltaClient(server);
    client.send("route", { subscribe: ["80"], initial: { "80": "0123456789abcdef" } });
    const [answer] = client.take();
    client.send("route", { nonce: answer?.response.nonce ?? "", error: "route 80: no" });
    client.send("route", { subscribe: ["80"] });
    const sent = client.take().flatMap(({ response }) => response.resources);
    assert.deepEqual(
      sent.filter((each) => each.resource?.value.length === 0),
      [],
    );
  });

  it("keeps no message for what a client claims to have", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const plain = new DeltaClient(server);
    plain.send("cluster");
    const [whole] = plain.take();
    // Names and versions of a claim are any text, also one that looks like another set.
    const [name, version] = Object.entries(versionsOf(whole))[0] ?? ["", ""];
    const liar = new DeltaClient(server);
    liar.send("cluster", { initial: { [name]: `${version}\nx=1` } });
    liar.take();
    const honest = new DeltaClient(server);
    honest.send("cluster", { initial: { [name]: version, x: "1" } });
    assert.ok(!honest.take()[0]?.names.includes(name));
  });
});
