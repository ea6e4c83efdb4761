import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type WorkloadGroupSpec } from "@xebec/model-resources";
import type { ConfigChange } from "@xebec/pilot-snapshot";
import { proxyOf } from "@xebec/pilot-xds-gen";
import { Registrations } from "./registrations.ts";

const GRACE_MS = 10_000;
const KEY = "networking.istio.io/WorkloadGroup/shop/vms";

function registrations(spec: WorkloadGroupSpec) {
  const changes: string[] = [];
  const apply = async ({ puts, deletes }: ConfigChange): Promise<void> => {
    changes.push(
      ...puts.map((each) => `+${keyOf(each).split("/").at(-1)}`),
      ...deletes.map((each) => `-${each.split("/").at(-1)}`),
    );
  };
  const group = { key: KEY, namespace: "shop", name: "vms", created: "", spec };
  const made = new Registrations({ groupOf: (key) => (key === KEY ? group : undefined), apply, graceMs: GRACE_MS });
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
