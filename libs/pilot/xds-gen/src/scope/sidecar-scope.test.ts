import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { Generator } from "../engine/generator.ts";
import { object, proxy, service } from "../small-mesh.testkit.ts";

const WEB = proxy({ LABELS: { app: "web" } }, "sidecar~10.0.0.7~web-1.default~x");
const egress = (...hosts: string[]): object => ({ egress: [{ hosts }] });

/** A mesh of three namespaces in which the proxy's Sidecar covers some hosts. */
function meshWith(spec: object) {
  const builder = new MeshBuilder();
  builder.apply({
    config: { puts: [object("Sidecar", "own", spec)], deletes: [] },
    workloads: {
      puts: ["default", "shop", "other"].flatMap((namespace) => [
        ...service("a", { namespace }),
        ...service("b", { namespace, ports: { http: 9080, "tcp-db": 3306 } }),
      ]),
      deletes: [],
    },
  });
  const generator = new Generator(builder.snapshot);
  const all = () => {
    const proxyClass = generator.proxyClass(WEB);
    return (["cluster", "listener", "route"] as const).map((type) =>
      generator.resources(type, WEB, proxyClass, { key: "9080", names: ["9080"] }),
    );
  };
  const names = () => all().map(({ resources }) => [...resources.keys()]);
  const change = (...parts: Parameters<MeshBuilder["apply"]>): void => {
    const { snapshot, changed } = builder.apply(...parts);
    generator.update(snapshot, changed);
  };
  const serve = (name: string, namespace: string, more: object = {}): void =>
    change({ workloads: { puts: service(name, { namespace, ...more }), deletes: [] } });
  return { generator, all, names, change, serve };
}

describe("the scope of a Sidecar", () => {
  it("holds what the egress covers, and nothing else", () => {
    const { names } = meshWith(egress("shop/a.shop.svc.cluster.local"));
    const [clusters = [], listeners = []] = names();
    assert.deepEqual(
      clusters.filter((each) => each.startsWith("outbound|")),
      ["outbound|9080||a.shop.svc.cluster.local"],
    );
    assert.deepEqual(listeners, ["0.0.0.0_9080", "virtualOutbound", "virtualInbound"]);
  });

  for (const [hosts, inside, outside] of [
    [["shop/*"], "shop", "other"],
    [["./*"], "default", "shop"],
    [["*/*.shop.svc.cluster.local"], "shop", "default"],
    [["shop/*", "./a.default.svc.cluster.local"], "shop", "other"],
  ] as const)
    it(`${hosts.join(" and ")}: a change outside makes nothing anew`, () => {
      const { all, serve, change } = meshWith(egress(...hosts));
      const before = all();
      serve("new", outside);
      serve("b", outside, { ports: { http: 9080, "http-more": 8080 } });
      const rule = object("VirtualService", "x", { hosts: ["b"], http: [{ fault: {} }] }, { namespace: outside });
      change({ config: { puts: [rule], deletes: [] } });
      for (const [i, set] of all().entries()) assert.equal(set, before[i]);
      serve("new", inside);
      const after = all();
      for (const i of [0, 2]) assert.notEqual(after[i]?.version, before[i]?.version);
    });

  it("changes with the Sidecar, and ends with it", () => {
    const { names, change } = meshWith(egress("shop/*"));
    const count = () => names()[0]?.filter((each) => each.startsWith("outbound|")).length;
    assert.equal(count(), 3);
    change({ config: { puts: [object("Sidecar", "own", egress("shop/*", "other/*"))], deletes: [] } });
    assert.equal(count(), 6);
    change({ config: { puts: [], deletes: ["networking.istio.io/Sidecar/default/own"] } });
    assert.equal(count(), 9);
  });

  it("is no matter of classes of proxies whose Sidecar it is not, nor of their labels", () => {
    const { generator, change } = meshWith(egress("*/*"));
    const selected = { workloadSelector: { labels: { app: "web" } }, ...egress("./*") };
    const of = (app: string) => generator.proxyClass(proxy({ LABELS: { app } }, "sidecar~10.0.0.8~x.default~x"));
    change({ config: { puts: [object("Sidecar", "selected", selected)], deletes: [] } });
    assert.equal(of("a").key, of("b").key);
    assert.equal(of("a").sidecar, "default/own");
    assert.equal(of("web").sidecar, "default/selected");
  });
});
