import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createKubeClient } from "./client.ts";
import { answerStatus, FakeApiServer } from "./fake-api-server.testkit.ts";
import { createLeaderElection, type LeaseTimes, type Term } from "./leader-election.ts";
import { RESOURCES } from "./resource-type.ts";

const { leases } = RESOURCES;
const never = new AbortController().signal;
const TIMES: LeaseTimes = { durationMs: 200, renewWithinMs: 120, everyMs: 15 };
const NAMESPACE = "istio-system";

/** A replica; `events` has what it did with its terms. */
function replica(server: FakeApiServer, identity: string, times = TIMES) {
  const events: string[] = [];
  const terms: Term[] = [];
  const election = createLeaderElection({
    ...{ client: createKubeClient(server.cluster), namespace: NAMESPACE, lease: "galley", identity, times },
    lead(term) {
      terms.push(term);
      return [
        {
          name: "work",
          async start() {
            events.push(`start ${term.number}`);
          },
          async close() {
            events.push(`close ${term.number}`);
          },
        },
      ];
    },
  });
  return { election, events, terms, identity };
}

const holder = (server: FakeApiServer): unknown => server.object(leases, "galley", NAMESPACE)?.spec;

describe("a leader election", () => {
  it("has one leader; the other takes over at once when the lease is given back, with a higher term", async () => {
    const server = await FakeApiServer.start([leases]);
    const [a, b] = [replica(server, "a"), replica(server, "b")];
    await a.election.start(never);
    await waitFor("a leads", 2_000, () => a.events.length === 1);
    await b.election.start(never);
    await waitFor("b has looked", 2_000, () => b.election.missing().length === 0);
    assert.deepEqual([b.election.term, b.events], [undefined, []]);
    await a.election.close?.();
    assert.deepEqual(a.events, ["start 0", "close 0"]);
    assert.equal(a.terms[0]?.signal.aborted, true);
    await waitFor("b leads", 2_000, () => b.election.term);
    assert.deepEqual(b.events, ["start 1"]);
    await b.election.close?.();
    assert.match(JSON.stringify(holder(server)), /"holderIdentity":""/);
    await server.close();
  });

  it("waits for the whole lease of a leader that is gone, as its own clock shows it", async () => {
    const server = await FakeApiServer.start([leases]);
    server.put(leases, {
      metadata: { name: "galley", namespace: NAMESPACE },
      // Long ago by the clock of another machine, which may be wrong.
      spec: {
        holderIdentity: "gone",
        leaseDurationSeconds: 1,
        renewTime: "2001-01-01T00:00:00.000000Z",
        leaseTransitions: 7,
      },
    } as never);
    const a = replica(server, "a");
    const since = performance.now();
    await a.election.start(never);
    await waitFor("a leads", 5_000, () => a.election.term);
    assert.ok(performance.now() - since >= 1_000);
    assert.equal(a.election.term?.number, 8);
    await a.election.close?.();
    await server.close();
  });

  it("ends its work before others may begin when it cannot renew, and leads again later", async () => {
    const server = await FakeApiServer.start([leases]);
    const a = replica(server, "a");
    await a.election.start(never);
    await waitFor("a leads", 2_000, () => a.events.length === 1);
    const since = performance.now();
    const heal = server.during((_request, response) => {
      answerStatus(response, 503, "ServiceUnavailable", "etcd is away");
      return true;
    });
    await waitFor("the end", 2_000, () => a.events.length === 2);
    const took = performance.now() - since;
    assert.ok(took < TIMES.durationMs, `${took} ms`);
    heal();
    await waitFor("the next term", 2_000, () => a.events.length === 3);
    assert.deepEqual(a.events, ["start 0", "close 0", "start 1"]);
    await a.election.close?.();
    await server.close();
  });

  it("ends its work when somebody else has the lease", async () => {
    const server = await FakeApiServer.start([leases]);
    const a = replica(server, "a");
    await a.election.start(never);
    await waitFor("a leads", 2_000, () => a.events.length === 1);
    const lease = server.object(leases, "galley", NAMESPACE);
    server.put(leases, { ...lease, spec: { ...(lease?.spec as object), holderIdentity: "thief" } } as never);
    await waitFor("the end", 2_000, () => a.events.length === 2);
    assert.match(JSON.stringify(holder(server)), /"holderIdentity":"thief"/);
    await a.election.close?.();
    await server.close();
  });

  it("gives the lease back when its work cannot start", async () => {
    const server = await FakeApiServer.start([leases]);
    const broken = createLeaderElection({
      ...{ client: createKubeClient(server.cluster), namespace: NAMESPACE, lease: "galley", identity: "broken" },
      times: { ...TIMES, everyMs: 100 },
      lead: () => [{ name: "work", start: () => Promise.reject(new Error("no disk")) }],
    });
    await broken.start(never);
    await waitFor("it is given back", 2_000, () => /"holderIdentity":""/.test(JSON.stringify(holder(server) ?? "")));
    const b = replica(server, "b");
    await b.election.start(never);
    await waitFor("b leads", 5_000, () => b.election.term);
    await broken.close?.();
    await b.election.close?.();
    await server.close();
  });
});
