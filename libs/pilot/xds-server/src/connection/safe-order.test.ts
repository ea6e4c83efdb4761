import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import { keyOf, type Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { XdsServer } from "../server/xds-server.ts";
import { DeltaClient, SotwClient } from "../test-client.testkit.ts";

const HOST = "svc.example.com";
const OLD = `outbound|80|old|${HOST}`;
const NEW = `outbound|80|new|${HOST}`;
const WHOLE = `outbound|80||${HOST}`;

const object = (kind: string, name: string, spec: unknown): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name },
  ...{ creationTimestamp: "2026-01-01T00:00:00Z", spec },
});
const entry = object("ServiceEntry", "se", {
  ...{ hosts: [HOST], location: "MESH_INTERNAL", resolution: "STATIC" },
  ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  endpoints: [{ address: "10.0.0.1", labels: { version: "v1" } }],
});
/** A rule with one subset, and a VirtualService that leads there. */
const subset = (name: string): Resource[] => [
  object("DestinationRule", "dr", { host: HOST, subsets: [{ name, labels: { version: "v1" } }] }),
  object("VirtualService", "vs", { hosts: [HOST], http: [{ route: [{ destination: { host: HOST, subset: name } }] }] }),
];

/** A pilot that has been through these states. */
async function pilotThrough(...states: (readonly Resource[])[]) {
  const server = new XdsServer({ metrics: createMetrics() });
  const builder = new MeshBuilder();
  const apply = (puts: readonly Resource[], deletes: readonly string[] = []): Promise<void> =>
    server.update(builder.apply({ config: { puts, deletes } }));
  for (const each of states) await apply(each);
  return { server, apply };
}

/** The versions that a proxy has which accepted everything in this state. */
async function versionsIn(state: readonly Resource[]) {
  const { server } = await pilotThrough(state);
  const client = reading(new SotwClient(server));
  const versions: Record<string, string> = {};
  for (const [type, names] of [
    ["cluster", []],
    ["endpoint", [WHOLE, OLD]],
    ["listener", []],
    ["route", ["80"]],
  ] as const) {
    client.send(type, names);
    for (const each of client.take()) versions[each.type] = each.response.versionInfo;
    client.send(type, names);
  }
  return versions;
}

/** A client that reads what it is sent. */
function reading<T extends SotwClient | DeltaClient>(client: T): T {
  client.stream.handed = (done) => done();
  return client;
}
const types = (client: SotwClient | DeltaClient): string[] => client.take().map(({ type }) => type);
const holds = (bytes: Uint8Array | undefined, text: string): boolean => Buffer.from(bytes ?? []).includes(text);

/** Within a suite alone: the tests of other files may share this process. */
function withMockedTimers(): void {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "setTimeout"] }));
  afterEach(() => mock.timers.reset());
}

describe("the order on a new stream, state of the world", () => {
  withMockedTimers();
  const V1 = [entry, ...subset("old")];
  const V2 = [entry, ...subset("new")];

  it("keeps the clusters that a client comes back with until its routes are others", async () => {
    const had = await versionsIn(V1);
    // A pilot that was started anew: its last known good state, then what has changed meanwhile.
    const { server } = await pilotThrough(V1, V2);
    const client = reading(new SotwClient(server, { versions: had }));
    client.send("cluster");
    client.send("endpoint", [WHOLE, OLD]);
    client.send("listener");
    client.send("route", ["80"]);
    const [clusters, endpoints, ...rest] = client.take();
    assert.deepEqual([clusters?.type, endpoints?.type, ...rest], ["cluster", "endpoint"]);
    const names = clusters?.response.resources.map((each) => Buffer.from(each.value).toString("latin1")).join() ?? "";
    assert.ok(names.includes(OLD) && names.includes(NEW), "what is gone stays beside what is new");
    assert.deepEqual(
      endpoints?.response.resources.map((each) => [WHOLE, OLD].filter((name) => holds(each.value, name))),
      [[WHOLE]],
      "the client keeps the endpoints that it has of the old cluster: an empty list would take them away",
    );
    client.send("endpoint", [WHOLE, OLD, NEW]);
    assert.deepEqual(types(client), ["endpoint"]);
    client.send("endpoint", [WHOLE, OLD, NEW]);
    assert.deepEqual(types(client), [], "the cluster is not warm yet");
    client.send("cluster");
    assert.deepEqual(types(client), ["listener"]);
    client.send("listener");
    assert.deepEqual(types(client), ["route"]);
    client.send("route", ["80"]);
    const [last] = client.take();
    assert.equal(last?.type, "cluster");
    assert.ok(!last?.response.resources.some((each) => holds(each.value, OLD)));
  });

  it("knows what a client had whose stream has ended, or is ending, also between two steps", async () => {
    for (const isEnded of [true, false]) {
      const { server, apply } = await pilotThrough(V1);
      const first = reading(new SotwClient(server));
      first.send("cluster");
      first.take();
      first.send("cluster");
      first.send("route", ["80"]);
      first.take();
      first.send("route", ["80"]);
      await apply(V2);
      const [both] = first.take();
      first.send("cluster");
      const version = both?.response.versionInfo ?? "";
      if (isEnded) first.stream.end();
      const client = reading(new SotwClient(server, { versions: { cluster: version } }));
      client.send("cluster");
      const [answer] = client.take();
      assert.ok(answer?.response.resources.some((each) => holds(each.value, OLD)));
      assert.equal(answer?.response.versionInfo, version);
    }
  });

  it("sends everything to a client of which nobody knows what it has", async () => {
    const { server } = await pilotThrough(V2);
    const client = reading(new SotwClient(server, { versions: { cluster: "of another pilot" } }));
    client.send("cluster");
    const [answer] = client.take();
    assert.ok(answer?.response.resources.some((each) => holds(each.value, NEW)));
  });

  it("lets a client without anything start without waiting for what it does not ask", async () => {
    const { server } = await pilotThrough(V2);
    const client = reading(new SotwClient(server, { userAgent: "gRPC Java" }));
    client.send("listener");
    assert.deepEqual(types(client), ["listener"]);
    const again = reading(new SotwClient(server, { versions: { listener: "1" }, userAgent: "gRPC Java" }));
    again.send("listener");
    assert.deepEqual(types(again), ["listener"], "gRPC comes to clusters by listeners");
  });

  it("waits for the question for clusters, which Envoy does not ask while one of its own warms", async () => {
    const { server } = await pilotThrough(V2);
    const open = (): SotwClient => {
      const client = reading(new SotwClient(server, { versions: { endpoint: "1", route: "1" } }));
      client.send("endpoint", [WHOLE, OLD]);
      client.send("route", ["80"]);
      return client;
    };
    const [asks, never] = [open(), open()];
    for (const client of [asks, never]) {
      const [first, ...rest] = client.take();
      assert.deepEqual([first?.type, rest.length], ["endpoint", 0]);
      assert.deepEqual(
        first?.response.resources.map((each) => holds(each.value, OLD)),
        [false],
      );
      client.send("endpoint", [WHOLE, OLD]);
    }
    asks.send("cluster");
    assert.deepEqual(types(asks), ["cluster", "endpoint"]);
    mock.timers.tick(14_000);
    assert.deepEqual(types(never), []);
    mock.timers.tick(2_000);
    const late = never.take();
    assert.deepEqual(
      late.map(({ type }) => type),
      ["endpoint"],
      "the cluster that warms may be one that there is not any more",
    );
    assert.ok(late[0]?.response.resources.some((each) => holds(each.value, OLD)));
    never.send("endpoint", [WHOLE, OLD]);
    assert.deepEqual(types(never), ["route"]);
  });

  it("does not wait for ever for a cluster that does not warm, and lets its fixed form overtake it", async () => {
    const { server, apply } = await pilotThrough(V1);
    const client = reading(new SotwClient(server));
    for (const [type, names] of [
      ["cluster", []],
      ["endpoint", [WHOLE, OLD]],
      ["listener", []],
      ["route", ["80"]],
    ] as const) {
      client.send(type, names);
      client.take();
      client.send(type, names);
    }
    await apply(V2);
    assert.deepEqual(types(client), ["cluster"]);
    mock.timers.tick(16_000);
    assert.deepEqual(types(client), ["route"], "the old cluster has gone from no message before the routes have");
    client.send("route", ["80"]);
    const [gone] = client.take();
    assert.equal(gone?.type, "cluster");
    assert.ok(!gone?.response.resources.some((each) => holds(each.value, OLD)));
    await apply([], [keyOf(subset("new")[0] as Resource)]);
    for (let i = 0; i < 2; i++) mock.timers.tick(16_000);
    const last = client.take().findLast(({ type }) => type === "cluster");
    assert.ok(last && !last.response.resources.some((each) => holds(each.value, NEW)), "it is taken away in the end");
    client.send("cluster");
    client.send("endpoint", [WHOLE]);
    client.take();
    await apply(V2);
    assert.deepEqual(types(client), ["cluster", "endpoint"], "and it is waited for again");
  });
});

describe("the order on a new stream, delta", () => {
  withMockedTimers();
  it("takes nothing from a client that came back before it has asked for its routes", async () => {
    const { server } = await pilotThrough([entry, ...subset("new")]);
    const client = reading(new DeltaClient(server));
    client.send("cluster", { initial: { [OLD]: "1" } });
    const [clusters] = client.take();
    assert.deepEqual(clusters?.response.removedResources, []);
    client.send("endpoint", { subscribe: [OLD, NEW], initial: { [OLD]: "1" } });
    const [endpoints] = client.take();
    assert.deepEqual(endpoints?.names, [NEW], "the old cluster keeps the endpoints that it has");
    client.send("endpoint", { nonce: endpoints?.response.nonce ?? "" });
    client.send("cluster", { nonce: clusters?.response.nonce ?? "" });
    assert.deepEqual(client.take(), []);
    mock.timers.tick(16_000);
    assert.deepEqual(client.take()[0]?.response.removedResources, [OLD], "a proxy without routes asks for none");
  });
});
