import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf } from "@xebec/model-resources";
import { CLUSTER, entry, mesh, object, route, synced } from "../server/test-mesh.testkit.ts";
import { SotwClient } from "../test-client.testkit.ts";

describe("what is pushed, and in which order", () => {
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

  it("takes no answer to a response that was overtaken", async () => {
    const { server, apply } = mesh();
    await apply([entry(1)]);
    const client = await synced(server, [CLUSTER(1)]);
    const [connection] = server.connections;
    await apply([route(1, "1s")]);
    // It answers what it had before: it has not seen the new one yet.
    client.send("route", ["80"]);
    assert.equal(connection?.subscriptions.get("route")?.state, "awaitingAck");
    client.take();
    client.send("route", ["80"]);
    assert.equal(connection?.subscriptions.get("route")?.state, "idle");
  });
});
