import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConsulInstance, ConsulRegistry, type ConsulSource } from "./consul-registry.ts";
import type { RegistryChange } from "./service-registry.ts";

const instance = (address: string, more: Partial<ConsulInstance> = {}): ConsulInstance => ({
  ...{ address, port: 9080, tags: ["version|v1", "plain", "|odd"], meta: { protocol: "http" }, datacenter: "dc1" },
  ...more,
});

/** A registry whose source a test drives. */
async function registry() {
  let report: Parameters<ConsulSource["start"]>[0] = () => {};
  const made = new ConsulRegistry({
    start: async (given) => {
      report = given;
    },
    missing: () => [],
    close: async () => {},
  });
  const changes: RegistryChange[] = [];
  made.watch((change) => void changes.push(change));
  await made.start(new AbortController().signal);
  const id = "reviews.service.consul@default/consul";
  return {
    ...{ made, changes },
    report: (instances: readonly ConsulInstance[]) => report(new Map([["reviews", instances]])),
    definition: () => made.state.services.get(id),
  };
}

describe("services of Consul", () => {
  it("have Istio 1.1's host, namespace, port and labels", async () => {
    const at = await registry();
    at.report([instance("10.0.0.1")]);
    const { service, endpoints } = at.definition() ?? assert.fail("no definition");
    assert.deepEqual(
      [service.host, service.namespace, service.resolution, service.external, service.ports],
      [
        "reviews.service.consul",
        "default",
        "eds",
        false,
        [{ name: "http", number: 9080, protocol: "HTTP", targetPort: 9080 }],
      ],
    );
    assert.deepEqual(endpoints, [
      {
        ...{ address: "10.0.0.1", ports: { http: 9080 }, labels: { version: "v1" }, locality: "dc1", weight: 1 },
        ...{ serviceAccount: { namespace: "default", serviceAccount: "default" }, mtls: false },
      },
    ]);
  });

  it("have a port for each number, with names that do not meet; tcp where the protocol is unknown", async () => {
    const at = await registry();
    at.report([
      instance("1", { port: 81 }),
      instance("2", { port: 80 }),
      instance("3", { port: 82, meta: {} }),
      instance("4", { port: 83, meta: { protocol: "smoke" } }),
    ]);
    assert.deepEqual(
      at.definition()?.service.ports.map(({ name, number, protocol }) => [name, number, protocol]),
      [
        ["http", 80, "HTTP"],
        ["http-81", 81, "HTTP"],
        ["tcp", 82, "TCP"],
        ["smoke", 83, "TCP"],
      ],
    );
    assert.deepEqual(at.definition()?.endpoints.map(({ ports }) => ports)[0], { "http-81": 81 });
  });

  it("are outside of the mesh where their meta says external", async () => {
    const at = await registry();
    at.report([instance("1", { meta: { external: "true" } })]);
    const { service, endpoints } = at.definition() ?? assert.fail("no definition");
    assert.deepEqual([service.external, service.resolution, endpoints], [true, "passthrough", []]);
  });

  it("go with their last instance", async () => {
    const at = await registry();
    at.report([instance("1")]);
    at.report([]);
    assert.deepEqual([at.definition(), at.changes.length], [undefined, 2]);
  });

  it("report also that there are none", async () => {
    const at = await registry();
    at.report([]);
    assert.equal(at.changes.length, 1);
  });
});
