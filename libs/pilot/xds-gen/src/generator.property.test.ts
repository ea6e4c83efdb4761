import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SnapshotBuilder } from "@xebec/pilot-snapshot";
import { applyTo, generations, type MeshState, wholeOf } from "@xebec/pilot-snapshot/testkit";
import fc from "fast-check";
import { Generator, type NameSet } from "./generator.ts";
import { type MeshProxy, proxyOf } from "./proxy.ts";
import type { ResourceSet } from "./resource-set.ts";
import { HTTP_PROXY_ROUTE } from "./route-table.ts";
import type { XdsType } from "./type-urls.ts";

const DOMAINS = { domain: "cluster.local", trustDomain: "cluster.local" };

const proxy = (id: string, metadata: Record<string, unknown>): MeshProxy => proxyOf({ id, metadata, locality: "" });
const PROXIES = [
  proxy("sidecar~10.0.0.1~p1.default~x", { LABELS: { app: "reviews", version: "v1" } }),
  proxy("sidecar~10.0.0.2~p2.prod~x", { LABELS: { app: "ratings", version: "v2" } }),
  proxy("sidecar~127.20.1.1~p3.prod~x", {
    ...{ LABELS: { app: "reviews", version: "v2" }, INTERCEPTION_MODE: "NONE" },
    ...{ APP_ADDRESS: "127.20.2.1", HTTP_PROXY_PORT: "15002" },
  }),
  proxy("router~10.0.0.9~gw.istio-system~x", { LABELS: { istio: "ingress" } }),
];

const ROUTES = ["80", "9080", HTTP_PROXY_ROUTE, "http.80"];
const setOf = (names: readonly string[]): NameSet => ({ key: names.join(), names });

/** Everything that all proxies get. */
function everything(generator: Generator): Map<string, ResourceSet> {
  const all = new Map<string, ResourceSet>();
  for (const each of PROXIES) {
    const view = generator.view(each);
    const put = (type: XdsType, names?: NameSet): ResourceSet => {
      const set = generator.resources(type, each, view, names);
      all.set(`${each.id} ${type} ${names?.key ?? ""}`, set);
      return set;
    };
    const clusters = [...put("cluster").resources.keys()].filter((name) => name.startsWith("outbound|"));
    // A cluster that is not there may be asked for, too.
    put("endpoint", setOf([...clusters, "outbound|9080|v9|reviews.default.svc.cluster.local"].sort()));
    put("listener");
    for (const name of ROUTES) if (name.startsWith("http.") === (each.type === "router")) put("route", setOf([name]));
  }
  return all;
}

const plain = (sets: Map<string, ResourceSet>): [string, unknown][] =>
  [...sets].map(([name, { version, resources }]) => [
    name,
    {
      version,
      resources: [...resources.values()].map((each) => ({ ...each, bytes: Buffer.from(each.bytes).toString("hex") })),
    },
  ]);

describe("a generator that follows changes", () => {
  it("makes what a new one makes of the end state, byte for byte", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new SnapshotBuilder(DOMAINS);
        const generator = new Generator(builder.snapshot);
        const state: MeshState = { config: new Map(), workloads: new Map() };
        for (const step of steps) {
          // Whatever a proxy has asked for before is kept, and must be forgotten when it does not hold any more.
          everything(generator);
          const { snapshot, changed } = builder.apply(step);
          generator.update(snapshot, changed);
          applyTo(state, step);
        }
        const whole = new SnapshotBuilder(DOMAINS);
        whole.apply(wholeOf(state));
        assert.deepEqual(plain(everything(generator)), plain(everything(new Generator(whole.snapshot))));
      }),
      { numRuns: 100 },
    );
  });

  it("keeps the very same sets while nothing changes that they read", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new SnapshotBuilder(DOMAINS);
        const generator = new Generator(builder.snapshot);
        for (const step of steps) {
          const { snapshot, changed } = builder.apply(step);
          generator.update(snapshot, changed);
          const before = everything(generator);
          generator.update(snapshot, new Set(["endpoints/nobody@nowhere", "service/nobody"]));
          for (const [name, set] of everything(generator)) assert.equal(set, before.get(name), name);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("forgets the views that no proxy has any more", () => {
    const builder = new SnapshotBuilder(DOMAINS);
    const generator = new Generator(builder.snapshot);
    everything(generator);
    const [first] = PROXIES as [MeshProxy];
    assert.ok(generator.cacheSize > 0);
    generator.keepViews(new Set([generator.view(first).key]));
    const left = generator.cacheSize;
    assert.ok(left > 0);
    generator.keepViews(new Set());
    assert.equal(generator.cacheSize, 0);
  });
});
