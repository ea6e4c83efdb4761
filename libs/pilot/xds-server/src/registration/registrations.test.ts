import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type WorkloadGroupSpec } from "@xebec/model-resources";
import type { ConfigChange, WorkloadEntry } from "@xebec/pilot-snapshot";
import { proxyOf } from "@xebec/pilot-xds-gen";
import type { RegisteredWorkload } from "../replicas/records.ts";
import { Registrations } from "./registrations.ts";
import type { SharedRegistrations } from "./shared-registrations.ts";

const GRACE_MS = 10_000;
const KEY = "networking.istio.io/WorkloadGroup/shop/vms";

function registrations(spec: WorkloadGroupSpec, shared?: SharedRegistrations, entries: readonly WorkloadEntry[] = []) {
  const changes: string[] = [];
  const apply = async ({ puts, deletes, health = new Map() }: ConfigChange): Promise<void> => {
    changes.push(
      ...puts.map((each) => `+${keyOf(each).split("/").at(-1)}`),
      ...deletes.map((each) => `-${each.split("/").at(-1)}`),
      ...[...health].map(([key, healthy]) => `${key.split("/").at(-1)} ${healthy ? "healthy" : "unhealthy"}`),
    );
  };
  const group = { key: KEY, namespace: "shop", name: "vms", created: "", spec };
  const made = new Registrations({
    ...{ groupOf: (key: string) => (key === KEY ? group : undefined), apply, graceMs: GRACE_MS },
    entryOf: (key) => entries.find((each) => each.key === key),
    ...(shared ? { shared } : {}),
  });
  return { made, changes };
}
const proxy = (metadata: object = {}) =>
  proxyOf({
    id: "sidecar~10.0.0.1~vm.shop~shop.svc.cluster.local",
    metadata: { AUTO_REGISTER_GROUP: "vms", SERVICE_ACCOUNT: "vm", ...metadata },
    locality: "",
  });

describe("workloads that register themselves", () => {
  it("are there from their first stream on, until some time after their last", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { made, changes } = registrations({ template: {} });
    const streams = [made.connected(proxy(), true), made.connected(proxy(), true)];
    assert.deepEqual([changes, made.counts.get(KEY)], [["+vms-10.0.0.1"], 1]);
    streams[0]?.gone();
    streams[1]?.gone();
    mock.timers.tick(GRACE_MS - 1);
    assert.equal(changes.length, 1);
    mock.timers.tick(1);
    assert.deepEqual([changes[1], made.counts.size], ["-vms-10.0.0.1", 0]);
  });

  it("stay when they come back in time", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { made, changes } = registrations({ template: {} });
    made.connected(proxy(), true)?.gone();
    const again = made.connected(proxy(), true);
    mock.timers.tick(GRACE_MS * 2);
    assert.deepEqual(changes, ["+vms-10.0.0.1"]);
    again?.gone();
  });

  it("of a group with a probe are there while their agent says that they are healthy", () => {
    const { made, changes } = registrations({ template: {}, probe: { tcpSocket: { port: 80 } } });
    const stream = made.connected(proxy({ NETWORK: "vms" }), true);
    assert.deepEqual(changes, []);
    for (const healthy of [true, true, false, true]) stream?.health(healthy);
    assert.deepEqual(changes, ["+vms-10.0.0.1-vms", "-vms-10.0.0.1-vms", "+vms-10.0.0.1-vms"]);
    stream?.gone();
  });

  it("need a group of their namespace, a proof of who they are, and the group's service account", () => {
    const { made } = registrations({ template: { serviceAccount: "vm" } });
    assert.equal(made.connected(proxy({ AUTO_REGISTER_GROUP: "" }), false), undefined);
    assert.throws(() => made.connected(proxy({ AUTO_REGISTER_GROUP: "none" }), true), { code: "failed_precondition" });
    assert.throws(() => made.connected(proxy(), false), { code: "permission_denied" });
    assert.throws(() => made.connected(proxy({ SERVICE_ACCOUNT: "other" }), true), { code: "permission_denied" });
  });
});

describe("workloads that are somebody's WorkloadEntry", () => {
  const object = (more: Partial<WorkloadEntry> = {}): WorkloadEntry => ({
    ...{ key: "networking.istio.io/WorkloadEntry/shop/vm", namespace: "shop", name: "vm", created: "" },
    ...{ serviceAccount: "vm", hasHealthReports: true, isHealthChecked: true, ...more },
  });
  const agent = (metadata: object = {}) => proxy({ AUTO_REGISTER_GROUP: "", WORKLOAD_ENTRY: "vm", ...metadata });

  it("are healthy when their agents say so, until some time after the last stream", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { made, changes } = registrations({ template: {} }, undefined, [object()]);
    const stream = made.connected(agent(), true);
    assert.deepEqual([changes, made.counts.size], [[], 0]);
    for (const healthy of [false, true, true, false, true]) stream?.health(healthy);
    stream?.gone();
    mock.timers.tick(GRACE_MS - 1);
    assert.deepEqual(changes, ["vm healthy", "vm unhealthy", "vm healthy"]);
    mock.timers.tick(1);
    assert.equal(changes.at(-1), "vm unhealthy");
  });

  it("need that object, a proof of who they are, and its service account", () => {
    const { made } = registrations({ template: {} }, undefined, [object()]);
    assert.throws(() => made.connected(agent({ WORKLOAD_ENTRY: "none" }), true), { code: "failed_precondition" });
    assert.throws(() => made.connected(agent(), false), { code: "permission_denied" });
    assert.throws(() => made.connected(agent({ SERVICE_ACCOUNT: "other" }), true), { code: "permission_denied" });
    const other = registrations({ template: {} }, undefined, [object({ hasHealthReports: false })]);
    assert.equal(other.made.connected(agent(), false), undefined);
  });
});

describe("workloads that register themselves at several copies of pilot", () => {
  /** Copies of pilot on a bus that delivers at once. */
  function copies(names: readonly string[]) {
    const known = new Map<string, RegisteredWorkload>();
    const alive = new Set(names);
    const all = new Map<string, ReturnType<typeof registrations>>();
    const tell = (key: string): void => {
      for (const { made } of all.values()) made.changed(key);
    };
    const shared = (replica: string): SharedRegistrations => ({
      ...{ replica, known },
      put: (key, workload) =>
        queueMicrotask(() => {
          known.set(key, workload);
          tell(key);
        }),
      delete: (key) =>
        queueMicrotask(() => {
          known.delete(key);
          tell(key);
        }),
      isAlive: (each) => alive.has(each),
    });
    const start = (name: string): void => void all.set(name, registrations({ template: {} }, shared(name)));
    for (const each of names) start(each);
    return {
      ...{ known, start },
      at: (name: string) => all.get(name) as ReturnType<typeof registrations>,
      kill(name: string) {
        alive.delete(name);
        all.delete(name);
        for (const { made } of all.values()) made.reviewed();
      },
    };
  }
  const arrived = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const timers = { apis: ["setTimeout", "Date"] as ("setTimeout" | "Date")[] };

  it("are known to all, and stay when they move from one to another", async ({ mock }) => {
    mock.timers.enable(timers);
    const { at } = copies(["a", "b"]);
    const first = at("a").made.connected(proxy(), true);
    await arrived();
    assert.deepEqual([at("b").changes, at("b").made.counts.get(KEY)], [["+vms-10.0.0.1"], 1]);
    mock.timers.tick(1);
    const second = at("b").made.connected(proxy(), true);
    await arrived();
    first?.gone();
    mock.timers.tick(GRACE_MS * 2);
    await arrived();
    assert.deepEqual([at("a").changes, at("b").changes], [["+vms-10.0.0.1"], ["+vms-10.0.0.1"]]);
    second?.gone();
    mock.timers.tick(GRACE_MS);
    await arrived();
    assert.deepEqual([at("a").changes[1], at("b").changes[1]], ["-vms-10.0.0.1", "-vms-10.0.0.1"]);
    assert.equal(at("a").made.counts.size, 0);
  });

  it("are taken back by the one that still has a stream", async ({ mock }) => {
    mock.timers.enable(timers);
    const { at, known } = copies(["a", "b"]);
    at("a").made.connected(proxy(), true);
    mock.timers.tick(1);
    const second = at("b").made.connected(proxy(), true);
    await arrived();
    second?.gone();
    mock.timers.tick(GRACE_MS);
    await arrived();
    assert.equal([...known.values()][0]?.replica, "a");
    assert.deepEqual(at("b").changes.at(-1), "+vms-10.0.0.1");
  });

  it("of one that was killed stay until it is clear that they do not come back", async ({ mock }) => {
    mock.timers.enable(timers);
    const { at, kill, known } = copies(["a", "b"]);
    at("a").made.connected(proxy(), true);
    await arrived();
    kill("a");
    mock.timers.tick(GRACE_MS - 1);
    assert.deepEqual(at("b").changes, ["+vms-10.0.0.1"]);
    mock.timers.tick(1);
    await arrived();
    assert.deepEqual([at("b").changes[1], known.size], ["-vms-10.0.0.1", 0]);
  });

  it("of an earlier process of the same name are there again at its start, until they do not come back", async ({
    mock,
  }) => {
    mock.timers.enable(timers);
    const { at, start, known } = copies(["a"]);
    at("a").made.connected(proxy(), true);
    await arrived();
    start("a");
    for (const key of known.keys()) at("a").made.changed(key);
    assert.deepEqual(at("a").changes, ["+vms-10.0.0.1"]);
    mock.timers.tick(30_000);
    await arrived();
    assert.deepEqual([at("a").changes[1], known.size], ["-vms-10.0.0.1", 0]);
  });
});
