import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns, waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { keyOf, type Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { createMemoryBus } from "@xebec/platform-bus";
import { conditionWriter } from "../conditions/condition-writer.ts";
import { type ClientOptions, SotwClient } from "../test-client.testkit.ts";
import { XdsServer } from "./xds-server.ts";

const MANY = 3_000;
/** Units that one turn may do. */
const MOST = 256;

const object = (kind: string, name: string, spec: object): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name },
  ...{ creationTimestamp: "2026-01-01T00:00:00Z", spec },
});
const virtual = (i: number, gateways: readonly string[]): Resource =>
  object("VirtualService", `vs-${i}`, {
    ...{ hosts: [`h-${i}.example.com`], gateways },
    http: [{ route: [{ destination: { host: "svc.example.com" } }] }],
  });
const GATEWAY = object("Gateway", "gw", {
  selector: { istio: "ingress" },
  servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
});
const ROUTER: ClientOptions = {
  authenticated: true,
  node: {
    id: "router~10.0.0.2~gw-1.default~default.svc.cluster.local",
    metadata: { NAMESPACE: "default", LABELS: { istio: "ingress" } },
  },
};

/** How many turns of the event loop some work takes. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let working = true;
  const count = (): void => {
    turns++;
    if (working) setImmediate(count);
  };
  setImmediate(count);
  await work();
  working = false;
  return turns;
}

describe("thousands of objects", () => {
  for (const [name, gateways, options, table] of [
    ["at a gateway", ["gw"], ROUTER, "http.8080"],
    ["at a sidecar", ["mesh"], { authenticated: true }, "80"],
  ] as const satisfies readonly (readonly [string, string[], ClientOptions, string])[])
    it(`stop nobody else, ${name}: snapshot, routes and conditions are made in turns`, async () => {
      const server = new XdsServer({ metrics: createMetrics() });
      const builder = new MeshBuilder();
      const objects = Array.from({ length: MANY }, (_, i) => virtual(i, gateways));
      await server.update(builder.apply({ config: { puts: [GATEWAY], deletes: [] } }));
      const least = Math.floor(MANY / MOST);
      const made = await turnsOf(() =>
        builder.builder.applyInTurns({ puts: objects, deletes: [] }, new Turns()).then((change) => {
          void server.update(change);
        }),
      );
      assert.ok(made >= least, `the snapshot was made in ${made} turns`);
      const client = new SotwClient(server, options);
      const has = (): boolean => client.take().some(({ type, count }) => type === "route" && count === 1);
      client.send("route", [table]);
      assert.ok(!has(), "nothing is made at once");
      const routed = await turnsOf(() => waitFor("the routes are there", 20_000, has, 1));
      assert.ok(routed >= least, `the routes were made in ${routed} turns`);
      const bus = createMemoryBus();
      const writer = conditionWriter(server, bus);
      await writer.start(new AbortController().signal);
      writer.changed();
      const last = `pilot/${keyOf(objects.at(-1) as Resource)}`;
      const reported = await turnsOf(() =>
        waitFor("all is reported", 20_000, async () => (await bus.bucket("status").get(last)) !== undefined, 1),
      );
      assert.ok(reported >= least, `the conditions were reported in ${reported} turns`);
      await writer.close?.();
    });

  it("of an older snapshot are not kept when it changes while they are made", async () => {
    const server = new XdsServer({ metrics: createMetrics() });
    const builder = new MeshBuilder();
    const objects = Array.from({ length: MANY }, (_, i) => virtual(i, ["gw"]));
    await server.update(builder.apply({ config: { puts: [GATEWAY, ...objects], deletes: [] } }));
    const client = new SotwClient(server, ROUTER);
    client.send("route", ["http.8080"]);
    const renamed = objects.map((each) => ({
      ...each,
      spec: { ...(each.spec as object), http: [{ name: "newer", directResponse: { status: 418 } }] },
    }));
    void server.update(builder.apply({ config: { puts: renamed, deletes: [] } }));
    let bytes: Buffer | undefined;
    await waitFor("the routes are there", 20_000, () => {
      const value = client.take().find(({ type }) => type === "route")?.response.resources[0]?.value;
      bytes = value && Buffer.from(value);
      return bytes !== undefined;
    });
    assert.equal(bytes?.toString("latin1").split("newer").length, MANY + 1, "every host has its newer rule");
  });
});
