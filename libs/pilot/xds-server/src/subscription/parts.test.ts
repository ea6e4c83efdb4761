import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { CLUSTER, entry, mesh, object, synced, versionsOf } from "../server/test-mesh.testkit.ts";
import type { XdsServer } from "../server/xds-server.ts";
import { DeltaClient, SotwClient } from "../test-client.testkit.ts";

const HOSTS = [1, 2, 3, 4, 5, 6, 7, 8];
const KEY = (n: number): string => `networking.istio.io/VirtualService/default/vs-${n}`;

/** A rule of a host, by which its virtual host in the table of port 80 sets a header. */
const rule = (n: number, header: string): Resource =>
  object("VirtualService", `vs-${n}`, {
    hosts: [`svc-${n}.example.com`],
    http: [
      {
        headers: { request: { set: { [header]: "1" } } },
        route: [{ destination: { host: `svc-${n}.example.com` } }],
      },
    ],
  });

/** Answers as a proxy that rejects every table with the header `x-bad`, and says nothing of use. @returns how many times it did */
function answer(client: SotwClient, message = "no"): number {
  let rejected = 0;
  for (let answers = client.take(); answers.length > 0; answers = client.take())
    for (const { type, response } of answers) {
      const isBad = response.resources.some(({ value }) => Buffer.from(value).includes("x-bad"));
      if (isBad) rejected++;
      const names = type === "endpoint" ? HOSTS.map(CLUSTER) : type === "route" ? ["80"] : [];
      client.send(type, names, isBad ? message : undefined);
    }
  return rejected;
}

/** What a client has of the route table, as text. */
const tableOf = (server: XdsServer): string => {
  const [connection] = server.connections;
  return Buffer.from(connection?.subscriptions.get("route")?.acked.resources.get("80")?.bytes ?? []).toString("latin1");
};
const quarantined = (server: XdsServer): unknown[] =>
  [...([...server.connections][0]?.subscriptions.get("route")?.quarantine.values() ?? [])].map((each) => [
    ...[each.part, each.confirmed, each.configKeys],
  ]);

async function meshWithRules() {
  const world = mesh();
  await world.apply(HOSTS.flatMap((n) => [entry(n), rule(n, `x-old-${n}`)]));
  const client = await synced(world.server, HOSTS.map(CLUSTER));
  return { ...world, client };
}

describe("a virtual host that a proxy rejects", () => {
  it("keeps its last good form, blames its object alone, and lets every other change of the table through", async () => {
    const { server, apply, nacks, client } = await meshWithRules();
    await apply([rule(2, "x-bad"), rule(3, "x-new-3"), rule(6, "x-new-6")]);
    assert.ok(answer(client) > 0);
    assert.deepEqual(quarantined(server), [["svc-2.example.com:80", true, [KEY(2)]]]);
    assert.deepEqual([...server.currentNacks.keys()], [KEY(2)]);
    assert.deepEqual(nacks.at(-1)?.configKeys, [KEY(2)]);
    for (const header of ["x-old-1", "x-old-2", "x-new-3", "x-new-6"])
      assert.ok(tableOf(server).includes(header), header);
    await apply([rule(4, "x-new-4")]);
    assert.equal(answer(client), 0, "the next change is not rejected any more");
    assert.ok(tableOf(server).includes("x-new-4") && tableOf(server).includes("x-old-2"));
    await apply([rule(2, "x-corrected")]);
    assert.equal(answer(client), 0);
    assert.ok(tableOf(server).includes("x-corrected"));
    assert.deepEqual([quarantined(server), server.currentNacks.size], [[], 0]);
  });

  it("is known at once by its place in the message", async () => {
    const { server, apply, nacks, client } = await meshWithRules();
    await apply([rule(2, "x-bad"), rule(3, "x-new-3")]);
    const names = [...([...server.connections][0]?.subscriptions.get("route")?.sent.resources.get("80")?.parts ?? [])];
    const index = names.findIndex(({ name }) => name === "svc-2.example.com:80");
    assert.equal(answer(client, `RouteConfigurationValidationError.VirtualHosts[${index}]: no`), 1);
    assert.deepEqual(
      nacks.map(({ configKeys }) => configKeys),
      [[KEY(2)]],
    );
    assert.ok(tableOf(server).includes("x-new-3"));
  });

  it("is left out of the first table that a proxy gets", async () => {
    const { server, apply } = mesh();
    await apply([...HOSTS.flatMap((n) => [entry(n), rule(n, n === 5 ? "x-bad" : `x-old-${n}`)])]);
    const client = new SotwClient(server, { authenticated: true });
    for (const [type, names] of [
      ["cluster", []],
      ["listener", []],
      ["route", ["80"]],
    ] as const)
      client.send(type, names);
    assert.ok(answer(client) > 0);
    assert.deepEqual(quarantined(server), [["svc-5.example.com:80", true, [KEY(5)]]]);
    for (const n of HOSTS) assert.equal(tableOf(server).includes(`x-old-${n}`), n !== 5);
  });

  it("is not replaced in a table that the proxy has of an earlier stream, whose parts nobody knows", async () => {
    const { server, apply } = await meshWithRules();
    const first = new DeltaClient(server);
    first.send("route", { subscribe: ["80"] });
    const [old] = first.take();
    await apply([rule(2, "x-bad")]);
    const again = new DeltaClient(server);
    again.send("cluster");
    again.send("cluster", { nonce: again.take()[0]?.response.nonce ?? "" });
    again.send("route", { subscribe: ["80"], initial: versionsOf(old) });
    const [next] = again.take();
    assert.equal(next?.type, "route");
    again.send("route", { nonce: next?.response.nonce ?? "", error: "no" });
    const connection = [...server.connections].at(-1);
    assert.deepEqual([...(connection?.subscriptions.get("route")?.quarantine.keys() ?? [])], ["80"]);
    assert.deepEqual(again.take(), [], "it keeps what it has");
  });

  it("gives proxies that reject the same the very same table", async () => {
    const { server, apply, client } = await meshWithRules();
    const other = await synced(server, HOSTS.map(CLUSTER));
    await apply([rule(2, "x-bad"), rule(3, "x-new-3")]);
    for (const each of [client, other]) answer(each);
    const [one, two] = [...server.connections].map((each) => each.subscriptions.get("route")?.acked);
    assert.ok(one && one === two);
  });
});
