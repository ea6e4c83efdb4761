import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createKubeClient } from "./client.ts";
import { answerStatus, FakeApiServer, type SeenRequest } from "./fake-api-server.testkit.ts";
import { createReflector, type ReflectorChange, type ReflectorTimes } from "./reflector.ts";
import { RESOURCES } from "./resource-type.ts";

const { pods } = RESOURCES;
const never = new AbortController().signal;
const FAST: Partial<ReflectorTimes> = { retry: { baseMs: 2, maxMs: 10 }, goneMs: 50 };
const isWatch = ({ query }: SeenRequest): boolean => query.get("watch") === "true";
const isList = ({ method, path, query }: SeenRequest): boolean =>
  method === "GET" && path.endsWith("/pods") && query.get("watch") === null;

const pod = (name: string, phase = "Running", more: object = {}) => ({
  metadata: { name, namespace: "default", managedFields: [{ manager: "kubectl" }], ...more },
  status: { phase },
});

/** A reflector of pods on a fake server; `state` is what it has reported. */
async function following(server: FakeApiServer, times: Partial<ReflectorTimes> = {}, pageSize?: number) {
  const state = new Map<string, string>();
  const changes: ReflectorChange<string>[] = [];
  const reflector = createReflector<string>({
    client: createKubeClient(server.cluster),
    type: pods,
    project: ({ metadata, status }) => {
      assert.equal("managedFields" in metadata, false);
      const { phase } = status as { phase: string };
      return phase === "Succeeded" ? undefined : phase;
    },
    changed(change) {
      changes.push(change);
      for (const key of change.deletes) state.delete(key);
      for (const [key, phase] of change.puts) state.set(key, phase);
    },
    ...(pageSize ? { pageSize } : {}),
    times: { ...FAST, ...times },
  });
  await reflector.start(never);
  return {
    ...{ reflector, state, changes },
    until: (what: string, is: () => boolean) => waitFor(what, 5_000, is),
    has: (wanted: Record<string, string>) =>
      waitFor(`${JSON.stringify(wanted)}`, 5_000, () => {
        assert.deepEqual(Object.fromEntries([...state].sort()), wanted);
        return true;
      }),
    async [Symbol.asyncDispose]() {
      await reflector.close?.();
      await server.close();
    },
  };
}

describe("a reflector", () => {
  it("reports everything at once after the last page, then each change", async () => {
    const server = await FakeApiServer.start([pods]);
    for (const name of ["a", "b", "c", "d", "e"]) server.put(pods, pod(name));
    await using at = await following(server, {}, 2);
    await at.has({
      "default/a": "Running",
      "default/b": "Running",
      "default/c": "Running",
      "default/d": "Running",
      "default/e": "Running",
    });
    assert.equal(at.changes.length, 1);
    assert.equal(server.requests.filter(isList).length, 3);
    await at.until("a watch", () => server.watches === 1);
    server.put(pods, pod("a", "Failed"));
    server.remove(pods, "b");
    server.put(pods, pod("c", "Succeeded"));
    await at.has({ "default/a": "Failed", "default/d": "Running", "default/e": "Running" });
  });

  it("reports an empty list, too", async () => {
    const server = await FakeApiServer.start([pods]);
    await using at = await following(server);
    assert.equal(at.reflector.synced, false);
    assert.match(at.reflector.missing()[0] ?? "", /^pods are not listed yet/);
    await at.until("the empty state", () => at.changes.length === 1);
    assert.deepEqual([at.reflector.synced, at.reflector.missing()], [true, []]);
  });

  it("goes on from the last version after a lost connection, without a list", async () => {
    const server = await FakeApiServer.start([pods]);
    server.put(pods, pod("a"));
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    server.cutWatches();
    server.put(pods, pod("b"));
    await at.has({ "default/a": "Running", "default/b": "Running" });
    assert.equal(server.requests.filter(isList).length, 1);
  });

  it("goes on from a bookmark when older versions are gone", async () => {
    const server = await FakeApiServer.start([pods, RESOURCES.services]);
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    for (const name of ["x", "y"]) server.put(RESOURCES.services, { metadata: { name } });
    server.compact();
    server.bookmark();
    // An event behind it shows that the bookmark was read.
    server.put(pods, pod("a"));
    await at.has({ "default/a": "Running" });
    server.cutWatches();
    await at.until("the next watch", () => server.requests.filter(isWatch).length === 2);
    assert.equal(server.requests.filter(isList).length, 1);
  });

  for (const [how, expire] of [
    ["as an answer", (server: FakeApiServer) => server.cutWatches()],
    [
      "within the stream",
      (server: FakeApiServer) =>
        server.writeToWatches(`${JSON.stringify({ type: "ERROR", object: { code: 410, reason: "Expired" } })}\n`),
    ],
  ] as const)
    it(`lists again after 410 ${how}, and reports what differs as one change`, async () => {
      const server = await FakeApiServer.start([pods]);
      for (const name of ["a", "b", "c"]) server.put(pods, pod(name));
      await using at = await following(server);
      await at.until("a watch", () => server.watches === 1);
      // What happens now reaches no watch.
      const unblock = server.during((request, response) => {
        if (!isWatch(request) && !isList(request)) return false;
        answerStatus(response, 503, "ServiceUnavailable", "not now");
        return true;
      });
      server.cutWatches();
      await at.until("no watch", () => server.watches === 0);
      server.put(pods, pod("a", "Failed"));
      server.remove(pods, "b");
      server.put(pods, pod("d"));
      if (how === "as an answer") server.compact();
      else
        server.once(isWatch, (response) => {
          response.writeHead(200);
          response.end(`${JSON.stringify({ type: "ERROR", object: { code: 410, reason: "Expired" } })}\n`);
        });
      const before = at.changes.length;
      unblock();
      expire(server);
      await at.has({ "default/a": "Failed", "default/c": "Running", "default/d": "Running" });
      const [change] = at.changes.slice(before);
      assert.deepEqual(
        [[...(change?.puts.keys() ?? [])].sort(), [...(change?.deletes ?? [])]],
        [["default/a", "default/d"], ["default/b"]],
      );
    });

  it("lists again when its version is from the future, as after etcd was restored", async () => {
    const server = await FakeApiServer.start([pods]);
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    server.once(isWatch, (response) =>
      answerStatus(response, 504, "Timeout", "Too large resource version: 900, current: 100"),
    );
    server.cutWatches();
    await at.until("a list", () => server.requests.filter(isList).length === 2);
  });

  it("begins again when a list expires between its pages", async () => {
    const server = await FakeApiServer.start([pods]);
    for (const name of ["a", "b", "c"]) server.put(pods, pod(name));
    server.once(
      ({ query }) => query.get("continue") !== null,
      (response) => answerStatus(response, 410, "Expired", "the provided continue parameter is too old"),
    );
    await using at = await following(server, {}, 2);
    await at.has({ "default/a": "Running", "default/b": "Running", "default/c": "Running" });
    assert.equal(at.changes.length, 1);
  });

  it("gives up a silent watch, and resumes", async () => {
    const server = await FakeApiServer.start([pods]);
    await using at = await following(server, { silenceMs: 40 });
    await at.until("several watches", () => server.requests.filter(isWatch).length >= 3);
    assert.equal(server.requests.filter(isList).length, 1);
    server.put(pods, pod("a"));
    await at.has({ "default/a": "Running" });
  });

  it("takes what came before a cut or damaged event, and gets the rest again", async () => {
    const server = await FakeApiServer.start([pods]);
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    server.writeToWatches('{"type":"ADDED","object":{"metadata":{"na');
    server.cutWatches();
    server.put(pods, pod("a"));
    await at.has({ "default/a": "Running" });
    await at.until("a watch", () => server.watches === 1);
    server.writeToWatches("this is no event\n");
    await at.until("no watch, or another", () => server.requests.filter(isWatch).length >= 3);
    server.put(pods, pod("b"));
    await at.has({ "default/a": "Running", "default/b": "Running" });
  });

  it("keeps what it has while the server answers errors, and is back when they end", async () => {
    const server = await FakeApiServer.start([pods]);
    server.put(pods, pod("a"));
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    let refused = 0;
    const heal = server.during((request, response) => {
      if (!request.path.endsWith("/pods")) return false;
      refused++;
      answerStatus(response, 500, "InternalError", "etcdserver: request timed out");
      return true;
    });
    server.cutWatches();
    await at.until("refusals", () => refused >= 3);
    server.put(pods, pod("a", "Failed"));
    assert.deepEqual([...at.state], [["default/a", "Running"]]);
    heal();
    await at.has({ "default/a": "Failed" });
  });

  it("waits for a type that is not there, has it when it comes, and withdraws it when it stays away", async () => {
    const server = await FakeApiServer.start([]);
    await using at = await following(server);
    await at.until("absence", () => at.reflector.isAbsent);
    assert.match(at.reflector.missing()[0] ?? "", /install its CRD/);
    server.install(pods);
    server.put(pods, pod("a"));
    await at.has({ "default/a": "Running" });
    assert.equal(at.reflector.isAbsent, false);
    const since = performance.now();
    server.during((request, response) => {
      if (!request.path.endsWith("/pods")) return false;
      answerStatus(response, 404, "NotFound", "the server could not find the requested resource");
      return true;
    });
    server.cutWatches();
    await at.has({});
    assert.ok(performance.now() - since >= 50, "not at once: a server that starts knows no CRDs for a moment");
  });

  it("waits as long as the server asks to", async () => {
    const server = await FakeApiServer.start([pods]);
    server.once(isList, (response) => {
      response.setHeader("retry-after", "1");
      answerStatus(response, 429, "TooManyRequests", "slow down");
    });
    const since = performance.now();
    await using at = await following(server);
    await at.until("the list", () => at.reflector.synced);
    assert.ok(performance.now() - since >= 950);
  });

  it("keeps the last good form of an object that cannot be read, and the others count", async () => {
    const server = await FakeApiServer.start([pods]);
    server.put(pods, pod("a"));
    await using at = await following(server);
    await at.until("a watch", () => server.watches === 1);
    server.put(pods, { metadata: { name: "a" } });
    server.put(pods, pod("b"));
    await at.has({ "default/a": "Running", "default/b": "Running" });
  });

  it("reads a list whose objects hold brackets, quotes and any bytes, in chunks of any size", async () => {
    const server = await FakeApiServer.start([pods]);
    const odd = pod("odd", '}]{["\\"items\\":[ ü😀');
    const body = Buffer.from(
      JSON.stringify({ items: [odd, pod("b")], kind: "PodList", metadata: { resourceVersion: "100", odd: "items" } }),
    );
    server.once(isList, (response) => {
      response.writeHead(200);
      for (let i = 0; i < body.length; i += 3) response.write(body.subarray(i, i + 3));
      response.end();
    });
    await using at = await following(server);
    await at.has({ "default/b": "Running", "default/odd": odd.status.phase });
  });

  it("lists again when a list is cut off", async () => {
    const server = await FakeApiServer.start([pods]);
    server.put(pods, pod("a"));
    server.once(isList, (response) => {
      response
        .writeHead(200)
        .write('{"items":[{"metadata":{"name":"ghost"},"status":{"phase":"x"}}', () => response.destroy());
    });
    await using at = await following(server);
    await at.has({ "default/a": "Running" });
  });
});
