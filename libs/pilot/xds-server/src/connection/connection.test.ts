import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { waitFor } from "@xebec/core-async";
import { CLUSTER, entry, mesh } from "../server/test-mesh.testkit.ts";
import type { SubscriptionState } from "../subscription/states.ts";
import { DeltaClient, SotwClient } from "../test-client.testkit.ts";

type Mesh = ReturnType<typeof mesh>;
type Step = readonly [what: string, (mesh: Mesh, client: SotwClient) => unknown, SubscriptionState];

/** Rejects or acknowledges the last response that was read. */
const answer = (error?: string) => (_: Mesh, client: SotwClient) => {
  client.take();
  client.send("cluster", [], error);
};
const change =
  (n: number) =>
  ({ apply }: Mesh) =>
    apply([entry(n)]);
const ask = (_: Mesh, client: SotwClient): void => client.send("cluster");
const restart = (_: Mesh, client: SotwClient): void => {
  client.restart("cluster");
  client.send("cluster");
};
const wait = (): void => mock.timers.tick(15_000);

describe("a subscription on a stream", () => {
  // Within this suite alone: the tests of other files may share this process.
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "setTimeout"] }));
  afterEach(() => mock.timers.reset());

  const walks: readonly (readonly Step[])[] = [
    [
      ["the first request, before any snapshot", ask, "initial"],
      ["another one", ask, "initial"],
      ["the first snapshot", change(1), "awaitingAck"],
      ["its ACK", answer(), "idle"],
      ["the same ACK again", ask, "idle"],
      ["a change", change(2), "awaitingAck"],
      ["an answer to the response before", ask, "awaitingAck"],
      ["another change", change(3), "awaitingAck"],
      ["the ACK, which makes that change due", answer(), "awaitingAck"],
      ["its NACK, without anything that is due then", answer(`cluster(s) ${CLUSTER(3)}: no`), "idle"],
    ],
    [
      ["the first snapshot", change(1), "idle"],
      ["the first request", ask, "awaitingAck"],
      ["no answer in time", wait, "overdue"],
      ["a restart, which is answered with everything", restart, "awaitingAck"],
      ["no answer in time", wait, "overdue"],
      ["its late ACK", answer(), "idle"],
    ],
    [
      ["the first snapshot", change(1), "idle"],
      ["the first request", ask, "awaitingAck"],
      ["no answer in time", wait, "overdue"],
      ["a change, which overtakes", change(2), "awaitingAck"],
      ["the ACK", answer(), "idle"],
      ["a restart, which is answered with everything", restart, "awaitingAck"],
      ["a restart meanwhile", restart, "awaitingAck"],
      ["a NACK that names nothing: half of it is due again", answer("no"), "awaitingAck"],
    ],
  ];
  for (const walk of walks)
    it(walk.map(([what]) => what).join("; "), async () => {
      const world = mesh();
      const client = new SotwClient(world.server);
      client.stream.handed = (done) => done();
      for (const [what, act, expected] of walk) {
        await act(world, client);
        const [connection] = world.server.connections;
        assert.equal(connection?.subscriptions.get("cluster")?.state ?? "idle", expected, what);
      }
    });

  it("in the Delta form goes on with a request without a nonce", async () => {
    const { server, apply } = mesh();
    await apply([entry(1), entry(2)]);
    const client = new DeltaClient(server);
    const state = () => [...server.connections][0]?.subscriptions.get("endpoint")?.state;
    client.send("endpoint", { subscribe: [CLUSTER(1)] });
    assert.equal(state(), "awaitingAck");
    const [first] = client.take();
    client.send("endpoint", { subscribe: [CLUSTER(2)] });
    assert.equal(state(), "awaitingAck");
    assert.deepEqual(client.take(), [], "one response is under way at a time");
    client.send("endpoint", { nonce: first?.response.nonce ?? "" });
    const [second] = client.take();
    assert.deepEqual([second?.names, state()], [[CLUSTER(2)], "awaitingAck"]);
    client.send("endpoint", { nonce: "other", unsubscribe: [CLUSTER(1)] });
    assert.equal(state(), "awaitingAck", "a stale nonce is not an answer");
    client.send("endpoint", { nonce: second?.response.nonce ?? "" });
    assert.equal(state(), "idle");
    assert.deepEqual(server.generator && [...server.connections][0]?.subscriptions.get("endpoint")?.names?.names, [
      CLUSTER(2),
    ]);
  });
});

describe("a connection", () => {
  it("waits for a snapshot, is ready, congested until it drains, and closed", async () => {
    const { server, apply } = mesh();
    const client = new SotwClient(server);
    client.send("cluster");
    const [connection] = server.connections;
    assert.equal(connection?.state, "waiting");
    await apply([entry(1)]);
    assert.equal(connection?.state, "ready");
    client.take();
    const write = client.stream.write.bind(client.stream);
    client.stream.write = (bytes, handed) => !write(bytes, handed);
    client.send("cluster");
    await apply([entry(2)]);
    assert.equal(connection?.state, "congested");
    client.stream.write = write;
    await apply([entry(3)]);
    assert.equal(client.take().length, 1);
    client.send("cluster");
    assert.deepEqual(client.take(), [], "nothing is sent before the client has read");
    client.stream.drain();
    assert.deepEqual([connection?.state, client.take().length], ["ready", 1]);
    client.stream.end();
    assert.equal(connection?.state, "closed");
  });

  it("is prepared in turns when it has much, and takes part in nothing meanwhile", async () => {
    const { server, apply } = mesh();
    const client = new SotwClient(server);
    client.send("cluster");
    const applied = apply(Array.from({ length: 2_000 }, (_, n) => entry(n)));
    const [connection] = server.connections;
    assert.equal(connection?.state, "waiting");
    client.send("listener");
    assert.deepEqual([connection?.state, client.take()], ["preparing", []]);
    await applied;
    await waitFor("all is prepared", 10_000, () => connection?.state === "ready");
    assert.equal(client.take()[0]?.type, "cluster");
  });
});
