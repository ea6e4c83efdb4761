import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setLogLevel } from "@xebec/core-log";
import { keyOf, type Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "./mesh-builder.testkit.ts";
import { objectConditions } from "./object-conditions.ts";

function object(kind: string, name: string, spec: object, more: Partial<Resource> = {}): Resource {
  return { group: "networking.istio.io", version: "v1", kind, namespace: "default", name, spec, ...more };
}

const entry = (name: string): Resource =>
  object("ServiceEntry", name, {
    ...{ hosts: [`${name}.example.com`], resolution: "STATIC", endpoints: [{ address: "10.0.0.1" }] },
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  });

function mesh() {
  const builder = new MeshBuilder();
  return {
    builder,
    put: (...puts: Resource[]) => builder.apply({ config: { puts, deletes: [] } }),
    remove: (...gone: Resource[]) => builder.apply({ config: { puts: [], deletes: gone.map(keyOf) } }),
    hosts: () => [...builder.snapshot.services.values()].flat().map((each) => each.host),
    rules: () => [...builder.snapshot.virtualServices.all()].map((each) => each.hosts.join()),
  };
}

describe("an object that cannot be translated", () => {
  const LOGS = ["snapshot", "registry"];
  before(() => LOGS.map((each) => setLogLevel("fatal", each)));
  after(() => LOGS.map((each) => setLogLevel("info", each)));
  const rule = (spec: object): Resource => object("VirtualService", "a", spec);

  it("disturbs no other of its generation, and can be removed", () => {
    const { put, remove, hosts, rules } = mesh();
    put(entry("one"), rule({}), object("ServiceEntry", "bad", { hosts: ["x.example.com"], ports: 7 }), entry("two"));
    assert.deepEqual(hosts().sort(), ["one.example.com", "two.example.com"]);
    remove(rule({}));
    put(rule({ hosts: ["one.example.com"] }));
    assert.deepEqual(rules(), ["one.example.com"]);
  });

  it("keeps its last good form", () => {
    const { put, remove, rules } = mesh();
    put(rule({ hosts: ["one.example.com"] }));
    put(rule({ hosts: 7 }));
    assert.deepEqual(rules(), ["one.example.com"]);
    remove(rule({}));
    assert.deepEqual(rules(), []);
  });

  it("of Mixer stands in the way of no other rule", () => {
    const { builder, put } = mesh();
    const mixer = (kind: string, name: string, spec: object): Resource =>
      object(kind, name, spec, { group: "config.istio.io" });
    put(
      mixer("instance", "nothing", { compiledTemplate: "checknothing" }),
      mixer("rule", "r", { actions: [{ handler: "h", instances: ["nothing"] }] }),
    );
    put(mixer("rule", "bad", { actions: 7 }), entry("one"));
    put(mixer("rule", "r2", { actions: [{ handler: "h", instances: ["nothing"] }] }));
    assert.equal(builder.snapshot.mixer.policy.rules.length, 2);
    assert.ok(builder.snapshot.services.has("one.example.com"));
  });

  it("of a workload disturbs no other", () => {
    const { builder, hosts } = mesh();
    const service = (name: string, ports: unknown): WorkloadRecord =>
      ({ type: "service", namespace: "d", name, hostname: `${name}.d`, addresses: [], ports }) as never;
    builder.apply({ workloads: { puts: [service("a", 7), service("b", [])], deletes: [] } });
    assert.deepEqual(hosts(), ["b.d"]);
  });
});

describe("what registries say of a host without visible effect", () => {
  it("comes into effect when what hid it goes", () => {
    const { builder, put } = mesh();
    const addresses = () => [...builder.snapshot.endpoints.values()].flat().map((each) => each.address);
    const withEndpoints = (name: string, ...ips: string[]): Resource => {
      const { spec, ...rest } = entry("api");
      return { ...rest, name, spec: { ...(spec as object), endpoints: ips.map((address) => ({ address })) } };
    };
    put(withEndpoints("a", "10.0.0.1"), withEndpoints("b"));
    assert.deepEqual([...put(withEndpoints("b", "10.0.0.1")).changed], []);
    put(withEndpoints("a", "10.0.0.2"));
    assert.deepEqual(addresses(), ["10.0.0.2", "10.0.0.1"]);
  });

  it("changes the conditions with it, and nothing that is generated", () => {
    const { builder, put } = mesh();
    const young = (addresses: string[]): Resource => {
      const { spec, ...rest } = entry("api");
      return {
        ...rest,
        name: "young",
        spec: { ...(spec as object), addresses },
        creationTimestamp: "2026-02-01T00:00:00Z",
      };
    };
    const messages = () =>
      [...objectConditions(builder.snapshot, { routers: [], use: undefined })].map((each) => each.message);
    put(entry("api"), young(["10.1.0.1"]));
    assert.match(messages().join(), /spec.addresses: that of the older ServiceEntry default\/api holds/);
    const { changed } = put(young([]));
    assert.deepEqual([...changed], ["definition/api.example.com@default"]);
    assert.doesNotMatch(messages().join(), /spec.addresses/);
  });
});

describe("the mesh configuration", () => {
  const config = (namespace: string, spec: object, name = "mesh"): Resource =>
    object("MeshConfig", name, spec, { group: "mesh.xebec.io", namespace });

  it("is that of pilot's namespace alone, and what was before it comes back when it goes", () => {
    const { builder, put, remove } = mesh();
    const domain = (): string => builder.snapshot.mesh.trustDomain;
    const own = config("istio-system", { trustDomain: "own" });
    const others = [config("foo", { trustDomain: "evil" }), config("istio-system", { trustDomain: "evil" }, "x")];
    put(own);
    assert.deepEqual([...put(...others).changed], []);
    assert.equal(domain(), "own");
    assert.deepEqual([...remove(...others).changed], []);
    assert.equal(domain(), "own");
    remove(own);
    assert.equal(domain(), "cluster.local");
  });

  it("has a form for while there is no object of it", () => {
    const builder = new MeshBuilder({ mesh: { trustDomain: "file" } });
    const put = (...puts: Resource[]): string =>
      builder.apply({ config: { puts, deletes: [] } }).snapshot.mesh.trustDomain;
    assert.equal(put(), "file");
    assert.equal(put(config("istio-system", { trustDomain: "own" })), "own");
    const gone = builder.apply({ config: { puts: [], deletes: [keyOf(config("istio-system", {}))] } });
    assert.equal(gone.snapshot.mesh.trustDomain, "file");
  });

  it("names its fields that have no effect", () => {
    const { builder, put } = mesh();
    put(config("istio-system", { ingressClass: "x", trustDomain: "own" }));
    assert.deepEqual(builder.snapshot.mesh.unsupportedFields, [
      "spec.ingressClass: Ingress objects are not served; write a Gateway",
    ]);
  });
});
