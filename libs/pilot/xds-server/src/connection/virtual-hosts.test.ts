import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import { keyOf } from "@xebec/model-resources";
import { entry, mesh, route, versionsOf } from "../server/test-mesh.testkit.ts";
import { type ClientOptions, DeltaClient } from "../test-client.testkit.ts";

type Versions = Record<string, string>;
const NEW: ClientOptions = { authenticated: true, envoyMinor: 37 };
const HOST = (n: number): string => `80/svc-${n}.example.com:80`;

/** A client that asks as Envoy does, and acknowledges everything. */
class Acknowledging {
  readonly client: DeltaClient;
  constructor(server: ReturnType<typeof mesh>["server"], options: ClientOptions) {
    this.client = new DeltaClient(server, options);
  }

  ask(type: "route" | "virtualhost", fields: Parameters<DeltaClient["send"]>[1] = {}) {
    this.client.send(type, fields);
    return this.answers();
  }

  /** What it was sent, until nothing more comes. */
  answers() {
    const all: ReturnType<DeltaClient["take"]> = [];
    for (let some = this.client.take(); some.length > 0; some = this.client.take()) {
      all.push(...some);
      for (const { type, response } of some) this.client.send(type, { nonce: response.nonce });
    }
    return all;
  }
}

const names = (answers: ReturnType<DeltaClient["take"]>) => answers.map((each) => [each.type, ...each.names]);
const removed = (answers: ReturnType<DeltaClient["take"]>) =>
  answers.flatMap(({ response }) => response.removedResources);
const hostsIn = (answer: ReturnType<DeltaClient["take"]>[number] | undefined): number =>
  fromBinary(RouteConfigurationSchema, answer?.response.resources[0]?.resource?.value ?? new Uint8Array()).virtualHosts
    .length;

describe("virtual hosts one by one", () => {
  it("come after their table, and alone when one changes", async () => {
    const { server, apply } = mesh({ vhdsFrom: 1 });
    await apply([entry(1), entry(2), route(1, "1s")]);
    const proxy = new Acknowledging(server, NEW);
    assert.deepEqual(names(proxy.ask("virtualhost")), []);
    const answers = proxy.ask("route", { subscribe: ["80"] });
    assert.deepEqual(names(answers), [
      ["route", "80"],
      ["virtualhost", HOST(1), HOST(2), "80/allow_any"],
    ]);
    assert.equal(hostsIn(answers[0]), 0);
    await apply([route(1, "2s")]);
    assert.deepEqual(names(proxy.answers()), [["virtualhost", HOST(1)]]);
    await apply([], [keyOf(entry(2))]);
    assert.deepEqual(removed(proxy.answers()), [HOST(2)]);
  });

  it("go with their table, and come again with it", async () => {
    const { server, apply } = mesh({ vhdsFrom: 1 });
    await apply([entry(1)]);
    const proxy = new Acknowledging(server, NEW);
    proxy.ask("virtualhost");
    proxy.ask("route", { subscribe: ["80", "81"] });
    assert.deepEqual(removed(proxy.ask("route", { unsubscribe: ["80"] })), [HOST(1), "80/allow_any"]);
    assert.deepEqual(names(proxy.ask("route", { subscribe: ["80"] })), [
      ["route", "80"],
      ["virtualhost", HOST(1), "80/allow_any"],
    ]);
    // Envoy has dropped the table, and asks for it at once: it has none of its virtual hosts any more.
    assert.deepEqual(names(proxy.ask("route", { unsubscribe: ["80"], subscribe: ["80"] })), [
      ["route", "80"],
      ["virtualhost", HOST(1), "80/allow_any"],
    ]);
  });

  it("are in the table for a proxy that cannot, or has not asked to, take them so", async () => {
    const few = mesh({ vhdsFrom: 2 });
    await few.apply([entry(1)]);
    const off = mesh();
    await off.apply([entry(1)]);
    const on = mesh({ vhdsFrom: 1 });
    await on.apply([entry(1)]);
    for (const [server, options] of [
      [few.server, NEW],
      [off.server, NEW],
      [on.server, { envoyMinor: 36 }],
      [on.server, {}],
    ] as const) {
      const answers = new Acknowledging(server, options).ask("route", { subscribe: ["80"] });
      assert.deepEqual([names(answers), hostsIn(answers[0])], [[["route", "80"]], 2]);
    }
  });
});

describe("a proxy that comes back with virtual hosts one by one", () => {
  /** Versions of a proxy that has the table and its virtual hosts. */
  const versions = (server: ReturnType<typeof mesh>["server"], options = NEW): Versions[] => {
    const proxy = new Acknowledging(server, options);
    proxy.ask("virtualhost");
    return proxy.ask("route", { subscribe: ["80"] }).map(versionsOf);
  };

  it("gets what has changed and loses what is gone, whichever type it asks for first", async () => {
    const { server, apply } = mesh({ vhdsFrom: 1 });
    await apply([entry(1), entry(2), entry(3)]);
    const [tables, hosts] = versions(server) as [Versions, Versions];
    await apply([route(1, "2s")], [keyOf(entry(2))]);
    const proxy = new Acknowledging(server, NEW);
    assert.deepEqual(names(proxy.ask("virtualhost", { initial: hosts })), []);
    proxy.client.send("cluster", { initial: {} });
    proxy.client.send("cluster", { nonce: proxy.client.take()[0]?.response.nonce ?? "" });
    const answers = proxy
      .ask("route", { subscribe: ["80"], initial: tables })
      .filter(({ type }) => type === "virtualhost");
    assert.deepEqual([names(answers), removed(answers)], [[["virtualhost", HOST(1)]], [HOST(2)]]);
  });

  it("keeps its form: no table loses its virtual hosts before others are there", async () => {
    const off = mesh();
    await off.apply([entry(1)]);
    const on = mesh({ vhdsFrom: 1 });
    await on.apply([entry(1)]);
    const [whole] = versions(off.server) as [Versions];
    const stays = new Acknowledging(on.server, NEW);
    stays.client.send("cluster");
    stays.answers();
    assert.deepEqual(names(stays.ask("route", { subscribe: ["80"], initial: whole })), [["route"]]);
    // Switched off, the whole table comes first, and then the virtual hosts go.
    const [tables, hosts] = versions(on.server) as [Versions, Versions];
    const back = new Acknowledging(off.server, NEW);
    back.client.send("cluster");
    back.answers();
    back.client.send("virtualhost", { initial: hosts });
    const answers = back.ask("route", { subscribe: ["80"], initial: tables });
    assert.deepEqual(names(answers), [["route", "80"], ["virtualhost"]]);
    assert.deepEqual([hostsIn(answers[0]), removed(answers)], [2, [HOST(1), "80/allow_any"]]);
  });
});
