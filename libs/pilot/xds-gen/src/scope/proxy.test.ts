import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { object, proxy, snapshotOf } from "../small-mesh.testkit.ts";
import type { MeshProxy } from "./proxy.ts";
import { classOf } from "./proxy-class.ts";

describe("a proxy", () => {
  it("is read from its node, the metadata before the id", () => {
    const { pod, namespace, ip, interception, workload } = proxy(
      { NAMESPACE: "shop", INSTANCE_IPS: "10.0.0.8,fe80::1", HTTP_PROXY_PORT: 15002 },
      "sidecar~10.0.0.7~web-1.default~default.svc.cluster.local",
    );
    assert.deepEqual(
      { pod, namespace, ip, interception, binding: workload.binding },
      { pod: "web-1", namespace: "shop", ip: "10.0.0.8", interception: "REDIRECT", binding: { mode: "captured" } },
    );
    const none = proxy({ INTERCEPTION_MODE: "NONE", HTTP_PROXY_PORT: 15002 });
    assert.deepEqual(none.workload.binding, {
      ...{ mode: "explicit", address: "10.0.0.7", appAddress: "127.0.0.1", httpProxyPort: 15_002 },
    });
    const router = (metadata: Record<string, unknown>) =>
      proxy(metadata, "router~10.0.0.7~gw-1.default~x").workload.binding;
    assert.deepEqual(router({}), { mode: "gateway", address: "0.0.0.0" });
    assert.deepEqual(router({ INTERCEPTION_MODE: "NONE" }), { mode: "gateway", address: "10.0.0.7" });
    assert.deepEqual(router({ GATEWAY_BIND: "127.0.0.9" }), { mode: "gateway", address: "127.0.0.9" });
    assert.equal(proxy({ INTERCEPTION_MODE: "magic" }).interception, "REDIRECT");
    assert.deepEqual(proxy({ LABELS: { app: "web", count: 3, none: null } }).labels, { app: "web" });
    assert.deepEqual(proxy({ LABELS: "app=web" }).labels, {});
  });

  it("whose containers listen where it does itself is refused: calls would go round in a circle", () => {
    assert.throws(() => proxy({ INTERCEPTION_MODE: "NONE", APP_ADDRESS: "10.0.0.7" }), {
      code: "invalid_argument",
      message: /APP_ADDRESS 10\.0\.0\.7 is the proxy's own address/,
    });
  });

  for (const port of ["x", "-1", "65536", "1.5"])
    it(`with the HTTP proxy port ${port} is refused`, () => {
      assert.throws(() => proxy({ HTTP_PROXY_PORT: port }), {
        code: "invalid_argument",
        message: `node metadata HTTP_PROXY_PORT "${port}" is not a port`,
      });
    });
});

describe("the class of a proxy", () => {
  const snapshot = snapshotOf([object("Gateway", "a", { selector: { app: "x", tier: "y" }, servers: [] })]);
  // Texts that would make two classes one, if names and values were only joined.
  const values = [undefined, "a", "b", "a|tier=b", "a,tier,b"];
  const all = values.flatMap((app) =>
    values.flatMap((tier) =>
      ["default", "default|NONE"].flatMap((namespace) =>
        ["NONE", "REDIRECT"].map((mode) =>
          proxy({ LABELS: { app, tier, unread: app }, NAMESPACE: namespace, INTERCEPTION_MODE: mode }),
        ),
      ),
    ),
  );
  const sameLabels = (a: MeshProxy, b: MeshProxy): boolean =>
    ["app", "tier"].every((name) => a.labels[name] === b.labels[name]);

  it("is the same for two proxies when namespace, interception and the labels that selectors read are, and only then", () => {
    for (const a of all)
      for (const b of all) {
        const same = a.namespace === b.namespace && a.interception === b.interception && sameLabels(a, b);
        assert.equal(classOf(a, snapshot).key === classOf(b, snapshot).key, same);
        const sameWorkload = a.interception === b.interception && sameLabels(a, b);
        assert.equal(a.workload.key === b.workload.key, sameWorkload);
      }
  });

  it("does not have labels that no selector reads", () => {
    assert.deepEqual(classOf(proxy({ LABELS: { app: "a", unread: "b" } }), snapshot).labels, { app: "a" });
  });
});
