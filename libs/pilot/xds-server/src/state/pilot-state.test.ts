import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { waitFor } from "@xebec/core-async";
import { compose } from "@xebec/core-lifecycle";
import { setLogLevel } from "@xebec/core-log";
import { createMetrics } from "@xebec/core-metrics";
import { encodeResource, keyOf, type Resource } from "@xebec/model-resources";
import { encodeWorkloadRecord, type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import type {
  MeshService,
  RegistryListener,
  RegistryState,
  ServiceDefinition,
  ServiceRegistry,
} from "@xebec/pilot-registry";
import type { SnapshotChange } from "@xebec/pilot-snapshot";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { createPilotState } from "./pilot-state.ts";
import { PLATFORM_REGISTRIES } from "./registries.ts";

const SERVICE: WorkloadRecord = {
  ...{ type: "service", namespace: "d", name: "web", hostname: "web.d", addresses: ["10.96.0.1"] },
  ports: [{ name: "http", port: 80, targetPort: 80, protocol: "TCP" }],
};
const object = (kind: string, name: string, spec: object): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, namespace: "d", name, spec },
});
const entry = (name: string): Resource =>
  object("ServiceEntry", name, {
    hosts: [`${name}.example.com`],
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  });
const rule = (name: string): Resource => object("VirtualService", name, { hosts: [`${name}.example.com`] });

/** A platform of its own, as an addition of somebody's: services that have a name and nothing else. */
class Hosts implements ServiceRegistry {
  readonly name = "Hosts";
  readonly #services = new Map<string, ServiceDefinition>();
  readonly #listeners: RegistryListener[] = [];

  get state(): RegistryState {
    return { services: this.#services, pods: new Map() };
  }
  watch(listener: RegistryListener): void {
    this.#listeners.push(listener);
  }
  missing(): readonly string[] {
    return this.#services.size > 0 ? [] : ["no hosts have come yet"];
  }
  async start(): Promise<void> {}

  async report(...hosts: string[]): Promise<void> {
    const services = new Map(
      hosts.map((host): [string, ServiceDefinition] => {
        const service: MeshService = {
          ...{ id: `${host}@d/hosts`, host, namespace: "d", name: host, kubernetes: false, addresses: [], ports: [] },
          ...{ resolution: "dns", headless: false, external: true, exportTo: [], subjectAltNames: [], created: "" },
          configKeys: [],
        };
        return [service.id, { service, endpoints: [] }];
      }),
    );
    for (const [id, definition] of services) this.#services.set(id, definition);
    await Promise.all(this.#listeners.map((listener) => listener({ services, pods: new Map() })));
  }
}

async function startState(context: TestContext, onSnapshot: (change: SnapshotChange) => void = () => {}) {
  const bus = createMemoryBus();
  const config = createRevisionWriter({ bus, bucket: "config", source: "galley" });
  const workloads = createRevisionWriter({ bus, bucket: "workloads", source: "local" });
  const hosts = new Hosts();
  const kubernetes = PLATFORM_REGISTRIES.Bus?.({ bus });
  assert.ok(kubernetes);
  const snapshots: SnapshotChange[] = [];
  const reached: number[] = [];
  const state = createPilotState({
    ...{ bus, domain: "cluster.local", trustDomain: "cluster.local", systemNamespace: "istio-system" },
    registries: [kubernetes, hosts],
    keySets: { policy: createAddressPolicy(["127.0.0.0/8"]), metrics: createMetrics() },
    gatewayHosts: { servers: ["127.0.0.1:1"] },
    onSnapshot: (change) => {
      snapshots.push(change);
      onSnapshot(change);
    },
    onReached: () => reached.push(snapshots.length),
  });
  const all = compose("test", [bus, config, workloads, state]);
  await all.start(new AbortController().signal);
  context.after(() => all.close?.());
  return {
    ...{ state, hosts, snapshots, reached },
    publish: (...objects: Resource[]) =>
      config.replace(new Map(objects.map((each) => [keyOf(each), encodeResource(each)]))),
    run: (...records: WorkloadRecord[]) =>
      workloads.replace(new Map(records.map((each) => [workloadKey(each), encodeWorkloadRecord(each)]))),
    seen: () => [...(snapshots.at(-1)?.snapshot.services.entries() ?? [])].map(([host]) => host).sort(),
  };
}

describe("pilot's state", () => {
  it("serves nothing before every registry has reported, says which is missing, and then serves all together", async (context) => {
    const { state, hosts, snapshots, reached, publish, run, seen } = await startState(context);
    await publish(entry("api"), rule("api"));
    await run(SERVICE);
    await waitFor("only the hosts are missing", 5_000, () => state.missing?.().join() === "no hosts have come yet");
    assert.equal(snapshots.length, 0);
    await hosts.report("consul.example.com");
    assert.deepEqual(seen(), ["api.example.com", "consul.example.com", "web.d"]);
    const { changed } = snapshots[0] as SnapshotChange;
    for (const key of ["service/web.d", "service/consul.example.com", "vs/api.example.com"])
      assert.ok(changed.has(key));
    assert.deepEqual(state.missing?.(), []);
    await publish(entry("api"), rule("other"));
    await waitFor("the position is reached", 5_000, () => reached.at(-1) === 2);
  });

  it("takes a ServiceEntry and a rule for it that were published together over together", async (context) => {
    const { hosts, snapshots, publish, run } = await startState(context);
    await Promise.all([publish(), run(), hosts.report("a.example.com")]);
    await waitFor("the first snapshot", 5_000, () => snapshots.length === 1);
    await publish(entry("api"), rule("api"));
    await waitFor("the next snapshot", 5_000, () => snapshots.length === 2);
    const { changed } = snapshots[1] as SnapshotChange;
    assert.ok(changed.has("service/api.example.com") && changed.has("vs/api.example.com"));
  });

  it("serves nothing before the hosts of gateways were looked up, once", async (context) => {
    setLogLevel("fatal", "networks");
    const { hosts, snapshots, publish, run } = await startState(context);
    const networks = { far: { gateways: [{ address: "gateway.invalid", port: 15443 }] } };
    const mesh = { ...object("MeshConfig", "mesh", { meshNetworks: { networks } }), group: "mesh.xebec.io" };
    await Promise.all([publish({ ...mesh, namespace: "istio-system" }), run(), hosts.report("a.example.com")]);
    await waitFor("the first snapshot", 10_000, () => snapshots.length > 0);
    const known = snapshots[0]?.snapshot.hostAddresses.get("gateway.invalid");
    assert.match(known?.problem ?? "", /^gateway\.invalid: /);
    await publish();
    await waitFor("nobody wants it any more", 10_000, () => snapshots.at(-1)?.snapshot.hostAddresses.size === 0);
  });

  it("gets everything again after what it could not take over", async (context) => {
    setLogLevel("fatal", "state");
    setLogLevel("fatal", "bus");
    context.after(() => ["state", "bus"].map((each) => setLogLevel("info", each)));
    let failures = 1;
    const { state, hosts, publish, run, seen } = await startState(context, ({ snapshot }) => {
      if (snapshot.services.has("bad.example.com") && failures-- > 0) throw new Error("no room");
    });
    await Promise.all([publish(), run(SERVICE), hosts.report("a.example.com")]);
    await waitFor("it is complete", 5_000, () => state.missing?.().length === 0);
    await publish(entry("bad"));
    await waitFor("it says so", 5_000, () => /could not be taken over/.test(state.missing?.().join() ?? ""));
    await publish(entry("bad"), entry("good"));
    await waitFor("it is whole", 10_000, () => state.missing?.().length === 0 && seen().includes("good.example.com"));
    assert.deepEqual(seen(), ["a.example.com", "bad.example.com", "good.example.com", "web.d"]);
  });
});
