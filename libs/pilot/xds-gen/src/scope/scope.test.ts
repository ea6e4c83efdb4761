import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Gateway, VirtualService } from "@xebec/pilot-snapshot";
import { ResourceCache } from "../engine/resource-cache.ts";
import { object, proxy, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import { keyed } from "./keyed.ts";
import { classOf } from "./proxy-class.ts";
import { Scope } from "./scope.ts";

const WEB = "web.default.svc.cluster.local";
const snapshot = snapshotOf(
  [
    object("VirtualService", "rule", { hosts: ["web"], http: [{ route: [{ destination: { host: "web" } }] }] }),
    object("Gateway", "edge", { selector: { istio: "ingress" }, servers: [] }),
  ],
  service("web"),
);
const router = proxy({ LABELS: { istio: "ingress" } }, "router~10.0.0.9~gw.default~x");

/** The dependency keys that reading records. */
function readsOf(read: (scope: Scope) => unknown, client = proxy()): string[] {
  const reads = new Set<string>();
  const scope = scopeOf(snapshot, client, reads);
  read(scope);
  return [...reads].filter((key) => key !== "mesh");
}

const found = (scope: Scope) => scope.service(WEB) as NonNullable<ReturnType<Scope["service"]>>;

describe("a scope", () => {
  for (const [name, read, keys] of [
    ["a service", (scope: Scope) => scope.service(WEB), [`service/${WEB}`]],
    ["a namespace's service", (scope: Scope) => scope.serviceOf(WEB, "default"), [`service/${WEB}`]],
    ["whether there is a service", (scope: Scope) => scope.hasService("x"), ["service/x"]],
    ["endpoints", (scope: Scope) => scope.endpoints(found(scope)), [`service/${WEB}`, `endpoints/${WEB}@default`]],
    ["a pod's port", (scope: Scope) => scope.containerPort({ name: "web-1", ip: "10.0.0.1" }, "http"), ["pods"]],
    ["a VirtualService", (scope: Scope) => scope.virtualService("a.b", "http"), ["vs/a.b", "vs/*"]],
    ["all VirtualServices", (scope: Scope) => [...scope.virtualServices()], ["vs"]],
  ] as const)
    it(`records the dependency keys of ${name}`, () => assert.deepEqual(readsOf(read), keys));

  it("records the Gateways that select a router, and what is attached to them", () => {
    const read = (scope: Scope) => scope.gateways().map((each) => scope.gatewayRoutes(each as Gateway));
    assert.deepEqual(readsOf(read, router), ["gateways", "gateway-routes/default/edge"]);
    assert.deepEqual(readsOf(read), []);
  });

  it("records a cached value by its mark alone, and what the value read at the value", () => {
    const [mark, ...more] = readsOf((scope) => scope.cached("name", (inner) => inner.service(WEB)));
    assert.match(mark ?? "", /^#\d+$/);
    assert.deepEqual(more, []);
  });

  it("makes a value once for a name, and once for each input", () => {
    const scope = scopeOf(snapshot);
    let made = 0;
    const make = () => ++made;
    assert.deepEqual([scope.cached("a", make), scope.cached("a", make), scope.cached("b", make)], [1, 1, 2]);
    const inputs = [1, 1, 2].map((port) => keyed({ port }));
    assert.deepEqual(
      inputs.map((input) => scope.cachedFor("a", input, make)),
      [3, 3, 4],
    );
    assert.deepEqual([scope.isCached("a"), scope.isCached("c")], [true, false]);
  });

  it("makes a value about an object depend on the object's definition", () => {
    const rule = scopeOf(snapshot).virtualService(WEB, "http") as VirtualService;
    for (const [objects, key] of [
      [found(scopeOf(snapshot)), `service/${WEB}`],
      [[rule], `vs/${WEB}`],
    ] as const) {
      const cache = new ResourceCache();
      const scope = new Scope({ snapshot, cache, patches: [] }, classOf(proxy(), snapshot));
      scope.cachedOf("name", objects, () => undefined);
      cache.invalidate(["service/other", "vs/other"]);
      assert.equal(scope.isCached("name"), true);
      cache.invalidate([key]);
      assert.equal(scope.isCached("name"), false);
    }
  });

  it("has no way around its methods", () => {
    const scope = scopeOf(snapshot);
    // @ts-expect-error: the snapshot is private to the scope
    assert.equal(scope.snapshot, undefined);
    // @ts-expect-error: so are the keys that it records
    assert.equal(scope.dependencies, undefined);
    // @ts-expect-error: nothing is known of a single proxy
    assert.equal(scope.proxyClass.ip, undefined);
  });
});
