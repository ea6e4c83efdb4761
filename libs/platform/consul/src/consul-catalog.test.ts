import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type ConsulChange, createConsulCatalog } from "./consul-catalog.ts";

const never = new AbortController().signal;

const entry = (id: string, address: string, more: object = {}) => ({
  Node: { Node: "n1", Address: "10.0.0.1", Datacenter: "dc1" },
  Service: { ID: id, Address: address, Port: 8080, Tags: ["version|v1"], Meta: { protocol: "http" }, ...more },
  Checks: [{ Status: "passing" }],
});

/** A Consul agent as its HTTP API is documented: answers wait until the index is above that of the query. */
async function agent() {
  const services = new Map<string, object[]>();
  const waiting = new Map<ServerResponse, { readonly index: number; readonly answer: () => void }>();
  const requests: URL[] = [];
  let index = 10;
  let refusing = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://consul");
    requests.push(url);
    if (refusing > 0) {
      refusing--;
      response.writeHead(500).end("No cluster leader");
      return;
    }
    const name = /^\/v1\/health\/service\/(.+)$/.exec(url.pathname)?.[1];
    const answer = (): void => {
      waiting.delete(response);
      const body =
        name === undefined
          ? Object.fromEntries([...services.keys()].map((each) => [each, []]))
          : (services.get(decodeURIComponent(name)) ?? []);
      response.writeHead(200, { "x-consul-index": `${index}` }).end(JSON.stringify(body));
    };
    const asked = Number(url.searchParams.get("index") ?? 0);
    response.on("close", () => waiting.delete(response));
    if (asked === 0 || asked !== index) answer();
    else waiting.set(response, { index: asked, answer });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const changed = (): void => {
    index++;
    for (const { answer } of [...waiting.values()]) answer();
  };
  return {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(name: string, ...entries: object[]) {
      services.set(name, entries);
      changed();
    },
    remove(name: string) {
      services.delete(name);
      changed();
    },
    /** As an agent that lost its state. */
    restart(entries: Record<string, object[]>) {
      services.clear();
      for (const [name, each] of Object.entries(entries)) services.set(name, each);
      index = 3;
      for (const { answer } of [...waiting.values()]) answer();
    },
    refuse(times: number) {
      refusing = times;
      for (const response of waiting.keys()) response.destroy();
    },
    get waiting() {
      return waiting.size;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function following(consul: Awaited<ReturnType<typeof agent>>) {
  const changes: ConsulChange[] = [];
  const state = new Map<string, readonly string[]>();
  const catalog = createConsulCatalog({ server: consul.url });
  await catalog.start((change) => {
    changes.push(change);
    for (const [name, instances] of change)
      if (instances.length > 0)
        state.set(
          name,
          instances.map(({ address }) => address),
        );
      else state.delete(name);
  }, never);
  return {
    ...{ changes, state, catalog },
    has: (wanted: Record<string, string[]>) =>
      waitFor(JSON.stringify(wanted), 5_000, () => {
        assert.deepEqual(Object.fromEntries(state), wanted);
        return true;
      }),
    async [Symbol.asyncDispose]() {
      await catalog.close();
      await consul.close();
    },
  };
}

describe("a catalog of Consul", () => {
  it("reports everything at once, then each change when it comes", async () => {
    const consul = await agent();
    consul.set("reviews", entry("a", "10.1.0.1"), entry("b", "10.1.0.2"));
    consul.set("ratings", entry("c", ""));
    await using at = await following(consul);
    await at.has({ ratings: ["10.0.0.1"], reviews: ["10.1.0.1", "10.1.0.2"] });
    assert.equal(at.changes.length, 1);
    assert.deepEqual(at.changes[0]?.get("ratings"), [
      {
        ...{ id: "n1/c", address: "10.0.0.1", port: 8080, tags: ["version|v1"], meta: { protocol: "http" } },
        datacenter: "dc1",
      },
    ]);
    await waitFor("waiting queries", 5_000, () => consul.waiting === 3);
    assert.match(consul.requests.at(-1)?.search ?? "", /index=\d+&wait=300s/);
    consul.set("reviews", entry("a", "10.1.0.1"));
    await at.has({ ratings: ["10.0.0.1"], reviews: ["10.1.0.1"] });
    consul.set("details", entry("d", "10.1.0.9"));
    await at.has({ ratings: ["10.0.0.1"], reviews: ["10.1.0.1"], details: ["10.1.0.9"] });
    consul.remove("ratings");
    await at.has({ reviews: ["10.1.0.1"], details: ["10.1.0.9"] });
  });

  it("leaves out instances whose check is critical", async () => {
    const consul = await agent();
    consul.set("a", { ...entry("a", "1.1.1.1"), Checks: [{ Status: "critical" }] }, entry("b", "1.1.1.2"));
    await using at = await following(consul);
    await at.has({ a: ["1.1.1.2"] });
  });

  it("keeps what it has while the agent is away, and begins anew when its index goes back", async () => {
    const consul = await agent();
    consul.set("a", entry("a", "1.1.1.1"));
    await using at = await following(consul);
    await waitFor("waiting queries", 5_000, () => consul.waiting === 2);
    consul.refuse(2);
    await waitFor("refused queries", 5_000, () => consul.requests.length >= 6);
    assert.deepEqual([...at.state.keys()], ["a"]);
    await waitFor("waiting queries", 5_000, () => consul.waiting === 2);
    consul.restart({ b: [entry("b", "1.1.1.2")] });
    await at.has({ b: ["1.1.1.2"] });
  });

  it("has nothing, and says so, before everything was read", async () => {
    const consul = await agent();
    consul.refuse(1);
    await using at = await following(consul);
    await waitFor("the reason", 5_000, () => /No cluster leader/.test(at.catalog.missing()[0] ?? ""));
    assert.equal(at.changes.length, 0);
    await waitFor("the empty state", 5_000, () => at.changes.length === 1);
    assert.deepEqual(at.catalog.missing(), []);
  });

  it("is an error of something that is no server", () => {
    assert.throws(() => createConsulCatalog({ server: "consul:8500" }), { code: "invalid_argument" });
  });
});
