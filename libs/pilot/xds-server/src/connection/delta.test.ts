import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf } from "@xebec/model-resources";
import { CLUSTER, entry, mesh, object, route, versionsOf } from "../server/test-mesh.testkit.ts";
import { DeltaClient } from "../test-client.testkit.ts";

describe("the Delta form", () => {
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
});

describe("a client that comes back, Delta", () => {
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
