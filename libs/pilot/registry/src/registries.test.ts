import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Turns } from "@xebec/core-async";
import { setLogLevel } from "@xebec/core-log";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { KubernetesRegistry } from "./kubernetes-registry.ts";
import type { RecordChange, RecordSource } from "./record-source.ts";
import { ServiceEntryRegistry } from "./service-entry-registry.ts";
import type { RegistryChange, ServiceRegistry } from "./service-registry.ts";

const service = (name: string, more: object = {}): WorkloadRecord => ({
  ...{ type: "service", namespace: "d", name, hostname: `${name}.d`, addresses: ["10.96.0.1"] },
  ports: [{ name: "http", port: 80, targetPort: 80, protocol: "TCP" }],
  ...more,
});
const pod = (name: string, app = "a"): WorkloadRecord => ({
  ...{ type: "pod", namespace: "d", name, uid: "", ip: "10.0.0.1", serviceAccount: app, ready: true, ports: [] },
  ...{ labels: { app }, workload: { kind: "Deployment", name: app } },
});
const endpoints = (name: string, ...pods: string[]): WorkloadRecord => ({
  ...{ type: "endpoints", namespace: "d", name },
  subsets: [
    {
      addresses: pods.map((each, i) => ({ ip: `10.0.0.${i + 1}`, ready: true, pod: `d/${each}` })),
      ports: [{ name: "http", port: 8080 }],
    },
  ],
});
const entry = (name: string, spec: object): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "d", name },
  spec: { ports: [{ number: 80, name: "http", protocol: "HTTP" }], ...spec },
});

/** What a registry reports, one text for each change: what came (`id: service accounts`), and what went (`-id`). */
function reportsOf(registry: ServiceRegistry): string[] {
  const reports: string[] = [];
  registry.watch(({ services, pods }: RegistryChange) => {
    const changes = [...services].map(([id, definition]) =>
      definition
        ? `${id}: ${definition.endpoints.map((each) => each.serviceAccount?.serviceAccount ?? "?")}`
        : `-${id}`,
    );
    reports.push([...changes, ...[...pods].map(([key, each]) => `${each ? "" : "-"}${key}`)].join(" "));
  });
  return reports;
}

describe("the registry of Kubernetes", () => {
  before(() => setLogLevel("fatal", "registry"));
  after(() => setLogLevel("info", "registry"));
  const put = (...puts: WorkloadRecord[]): RecordChange => ({ puts, deletes: [] });

  it("reports what changed at once as one change, in whatever order records come", () => {
    const registry = new KubernetesRegistry();
    const reports = reportsOf(registry);
    registry.apply(put(endpoints("web", "p1", "p2"), pod("p1"), service("web"), pod("p2", "b")));
    registry.apply(put(pod("p2", "c")));
    registry.apply({ puts: [], deletes: ["pod/d/p1"] });
    registry.apply({ puts: [], deletes: ["service/d/web", "endpoints/d/web"] });
    assert.deepEqual(reports, ["web.d@d: a,b d/p1 d/p2", "web.d@d: a,c d/p2", "web.d@d: c -d/p1", "-web.d@d"]);
    assert.deepEqual([...registry.state.services], []);
    assert.deepEqual([...registry.state.pods.keys()], ["d/p2"]);
  });

  it("has in its state what its changes lead to", () => {
    const registry = new KubernetesRegistry();
    const seen = new Map<string, unknown>();
    registry.watch(({ services }) => {
      for (const [id, definition] of services) definition ? seen.set(id, definition) : seen.delete(id);
    });
    registry.apply(put(service("a"), service("b"), endpoints("a", "p1"), pod("p1")));
    registry.apply({ puts: [service("b", { hostname: "c.d" })], deletes: ["service/d/a"] });
    assert.deepEqual([...seen.keys()], ["c.d@d"]);
    assert.deepEqual(registry.state.services, seen);
  });

  it("keeps the last good form of a record that it cannot translate, and takes all others", () => {
    const registry = new KubernetesRegistry();
    registry.apply(put(service("a"), service("b")));
    registry.apply(put(service("a", { ports: 7 }), service("b", { hostname: "c.d" })));
    assert.deepEqual([...registry.state.services.keys()].sort(), ["a.d@d", "c.d@d"]);
    registry.apply({ puts: [], deletes: ["service/d/a"] });
    assert.deepEqual([...registry.state.services.keys()], ["c.d@d"]);
  });

  it("forgets a pod with the last endpoints that name it", () => {
    const registry = new KubernetesRegistry();
    for (let i = 0; i < 10; i++) registry.apply(put(endpoints("s", `app-${i}`)));
    assert.equal(registry.podsNamed, 1);
  });

  it("follows its source, reports an empty state too, and is as healthy as the source", async () => {
    let report: ((change: RecordChange, turns: Turns) => Promise<void>) | undefined;
    let closed = false;
    const source: RecordSource = {
      start: async (each) => {
        report = each;
      },
      missing: () => ["the bus is down"],
      close: async () => {
        closed = true;
      },
    };
    const registry = new KubernetesRegistry(source);
    const reports = reportsOf(registry);
    await registry.start(new AbortController().signal);
    await report?.(put(), new Turns());
    assert.deepEqual(reports, [""]);
    assert.deepEqual(registry.missing(), ["the bus is down"]);
    await registry.close();
    assert.ok(closed);
  });

  it("reports to its source what a listener could not take over, once the listener is done", async () => {
    let report: ((change: RecordChange, turns: Turns) => Promise<void>) | undefined;
    const registry = new KubernetesRegistry({
      start: async (each) => {
        report = each;
      },
      missing: () => [],
      close: async () => {},
    });
    registry.watch(async () => {
      await Promise.resolve();
      throw new Error("no room");
    });
    await registry.start(new AbortController().signal);
    await assert.rejects(async () => report?.(put(service("a")), new Turns()), /no room/);
  });
});

describe("the registry of ServiceEntries", () => {
  it("reports the hosts of an entry that came, stayed and went as one change", () => {
    const registry = new ServiceEntryRegistry();
    const reports = reportsOf(registry);
    const first = entry("e", { hosts: ["a.com", "b.com"], resolution: "DNS" });
    registry.putConfig(keyOf(first), first);
    registry.putConfig(keyOf(first), entry("e", { hosts: ["b.com", "c.com"] }));
    assert.deepEqual([...registry.state.services.keys()].sort(), ["b.com@d/e", "c.com@d/e"]);
    registry.putConfig(keyOf(first), undefined);
    assert.deepEqual(reports, [
      "a.com@d/e: ? b.com@d/e: ?",
      "-a.com@d/e b.com@d/e:  c.com@d/e: ",
      "-b.com@d/e -c.com@d/e",
    ]);
    assert.equal(registry.state.services.size, 0);
  });

  it("refuses an entry that it cannot translate and keeps its last good form", () => {
    const registry = new ServiceEntryRegistry();
    const good = entry("e", { hosts: ["a.com"] });
    registry.putConfig(keyOf(good), good);
    const reports = reportsOf(registry);
    assert.throws(() => registry.putConfig(keyOf(good), entry("e", { hosts: ["a.com"], ports: 7 })));
    assert.deepEqual([...registry.state.services.keys()], ["a.com@d/e"]);
    assert.deepEqual(reports, []);
  });
});
