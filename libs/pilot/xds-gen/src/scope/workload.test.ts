import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { Generator } from "../engine/generator.ts";
import { proxy, snapshotOf } from "../small-mesh.testkit.ts";

const service = (name: string, targetPort: number | string, more: object = {}): WorkloadRecord => ({
  ...{ type: "service", namespace: "default", name, hostname: `${name}.default.svc.cluster.local`, addresses: [] },
  ...{ ports: [{ name: "http", port: 80, targetPort, protocol: "TCP" }], selector: { app: "web" } },
  ...more,
});
const pod = (name: string, ip: string, web: number): WorkloadRecord => ({
  ...{
    type: "pod",
    namespace: "default",
    name,
    uid: "",
    ip,
    labels: { app: "web" },
    serviceAccount: "web",
    ready: true,
  },
  ...{ workload: { kind: "Deployment", name: "web" }, ports: [{ name: "web", containerPort: web }] },
});

/** The inbound clusters of some proxies, all asked of one generator. */
function inbound(records: readonly WorkloadRecord[], ...proxies: ReturnType<typeof proxy>[]): string[][] {
  const generator = new Generator(snapshotOf([], records));
  return proxies.map((each) =>
    [...generator.resources("cluster", each, generator.proxyClass(each)).resources.keys()].filter((name) =>
      name.startsWith("inbound|"),
    ),
  );
}

const web = (name: string, ip: string, metadata: object = {}) =>
  proxy({ LABELS: { app: "web" }, ...metadata }, `sidecar~${ip}~${name}.default~x`);

describe("the ports that a workload serves", () => {
  it("are those of the services that select it", () => {
    const records = [
      service("a", 8080),
      service("b", 8081, { selector: { app: "other" } }),
      service("c", 8082, { namespace: "prod" }),
      service("d", 8083, { selector: {} }),
      service("e", 8080),
    ];
    assert.deepEqual(inbound(records, web("p", "10.0.0.1")), [["inbound|8080||"]]);
  });

  it("may have names, which each pod has numbers for: also two that are alike but for that", () => {
    const records = [service("a", "web"), pod("old", "10.0.0.1", 8080), pod("new", "10.0.0.2", 9090)];
    const expected = [["inbound|8080||"], ["inbound|9090||"]];
    assert.deepEqual(inbound(records, web("old", "10.0.0.1"), web("new", "10.0.0.2")), expected);
    const none = { INTERCEPTION_MODE: "NONE" };
    assert.deepEqual(inbound(records, web("old", "10.0.0.1", none), web("new", "10.0.0.2", none)), expected);
  });

  it("are found by the pod's address when its name is not known", () => {
    const records = [service("a", "web"), pod("p", "10.0.0.1", 8080)];
    assert.deepEqual(inbound(records, web("other", "10.0.0.1")), [["inbound|8080||"]]);
  });

  it("are none for a name that the pod does not have", () => {
    const records = [service("a", "admin"), pod("p", "10.0.0.1", 8080)];
    assert.deepEqual(inbound(records, web("p", "10.0.0.1")), [[]]);
  });

  it("are shared by pods that are alike", () => {
    const generator = new Generator(snapshotOf([], [service("a", 8080)]));
    const [first, second] = [web("p", "10.0.0.1"), web("q", "10.0.0.2")].map((each) =>
      generator.resources("listener", each, generator.proxyClass(each)),
    );
    assert.equal(first, second);
  });
});
