import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns } from "@xebec/core-async";
import type { Resource } from "@xebec/model-resources";
import { applyTo, generations, type MeshState, wholeOf } from "@xebec/pilot-snapshot/mesh-changes";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import fc from "fast-check";
import { HTTP_PROXY_ROUTE } from "../route/outbound-hosts.ts";
import { type MeshProxy, proxyOf } from "../scope/proxy.ts";
import { Generator } from "./generator.ts";
import type { NameSet } from "./names.ts";
import type { ResourceSet } from "./resource-set.ts";
import type { XdsType } from "./resource-types.ts";

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

const ROUTES = ["80", "9080", HTTP_PROXY_ROUTE, "http.80", "https.443.https.web.default", "https.443.https.other.prod"];
const SECRETS = ["kubernetes://cert", "kubernetes://cert-cacert", "kubernetes://prod/cert"];
const setOf = (names: readonly string[]): NameSet => ({ key: names.join(), names });

/** Everything that all proxies get. */
function everything(generator: Generator): Map<string, ResourceSet> {
  const all = new Map<string, ResourceSet>();
  for (const each of PROXIES) {
    const proxyClass = generator.proxyClass(each);
    const put = (type: XdsType, names?: NameSet): ResourceSet => {
      const set = generator.resources(type, each, proxyClass, names);
      all.set(`${each.id} ${type} ${names?.key ?? ""}`, set);
      return set;
    };
    const clusters = [...put("cluster").resources.keys()].filter((name) => /^outbound(\||_\.)/.test(name));
    // A cluster that is not there may be asked for, too.
    put("endpoint", setOf([...clusters, "outbound|9080|v9|reviews.default.svc.cluster.local"].sort()));
    put("listener");
    put("secret", setOf(SECRETS));
    for (const name of ROUTES) if (/^https?\./.test(name) === (each.type === "router")) put("route", setOf([name]));
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
        const builder = new MeshBuilder();
        const generator = new Generator(builder.snapshot);
        const state: MeshState = { config: new Map(), workloads: new Map(), secrets: new Map() };
        for (const step of steps) {
          // Whatever a proxy has asked for before is kept, and must be forgotten when it does not hold any more.
          everything(generator);
          const { snapshot, changed } = builder.apply(step);
          generator.update(snapshot, changed);
          applyTo(state, step);
        }
        const whole = new MeshBuilder();
        whole.apply(wholeOf(state));
        assert.deepEqual(plain(everything(generator)), plain(everything(new Generator(whole.snapshot))));
      }),
      { numRuns: 100 },
    );
  });

  it("keeps the very same sets while nothing changes that they read", () => {
    fc.assert(
      fc.property(generations, (steps) => {
        const builder = new MeshBuilder();
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

  it("forgets what no proxy holds any more, and nothing else", async () => {
    const { snapshot } = new MeshBuilder().apply({ config: { puts: [ENTRY], deletes: [] } });
    const generator = new Generator(snapshot);
    const [first] = PROXIES as [MeshProxy];
    const proxyClass = generator.proxyClass(first);
    const known = setOf(["outbound|80||api.example.com"]);
    const held = (): ResourceSet[] => [
      generator.resources("cluster", first, proxyClass),
      generator.resources("endpoint", first, proxyClass, known),
      generator.resources("route", first, proxyClass, setOf(["80"])),
    ];
    const before = held();
    const size = generator.cacheSize;
    // Names and labels are the client's to choose.
    for (let i = 0; i < 50; i++) {
      generator.resources("endpoint", first, proxyClass, setOf([`outbound|80||x${i}.y`]));
      generator.resources("endpoint", first, proxyClass, setOf([...known.names, `outbound|80|s${i}|api.example.com`]));
      generator.resources("route", first, proxyClass, setOf([`http.${i}`]));
    }
    everything(generator);
    assert.ok(generator.cacheSize > size + 100);
    await generator.keep([held], new Turns());
    assert.equal(generator.cacheSize, size);
    assert.deepEqual(held(), before);
    for (const [i, set] of held().entries()) assert.equal(set, before[i]);
    await generator.keep([], new Turns());
    assert.equal(generator.cacheSize, 0);
  });

  it("keeps no part for a cluster that there is not, and makes its endpoints when there is", () => {
    const builder = new MeshBuilder();
    const generator = new Generator(builder.snapshot);
    const [first] = PROXIES as [MeshProxy];
    const proxyClass = generator.proxyClass(first);
    const names = setOf(Array.from({ length: 100 }, (_, i) => `outbound|80||${i === 0 ? "api" : i}.example.com`));
    const assignment = () =>
      generator.resources("endpoint", first, proxyClass, names).resources.get(names.names[0] ?? "");
    const none = assignment();
    assert.equal(generator.cacheSize, 1);
    const { snapshot, changed } = builder.apply({ config: { puts: [ENTRY], deletes: [] } });
    generator.update(snapshot, changed);
    assert.notEqual(assignment()?.version, none?.version);
    assert.equal(generator.cacheSize, 2);
  });
});

const ENTRY: Resource = {
  ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "default", name: "api" },
  spec: {
    ...{ hosts: ["api.example.com"], resolution: "STATIC", endpoints: [{ address: "10.1.0.1" }] },
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  },
};
