import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource, ServiceEntrySpec } from "@xebec/model-resources";
import type { EndpointsRecord, PodRecord, ServiceRecord } from "@xebec/model-workloads";
import { endpointsFromRecord, endpointsOfExternalName, serviceFromRecord } from "./from-kubernetes.ts";
import { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
import { isVisible } from "./service.ts";

describe("a Kubernetes service", () => {
  const record = (more: Partial<ServiceRecord> = {}): ServiceRecord => ({
    ...{ type: "service", namespace: "shop", name: "web", hostname: "web.shop.svc.cluster.local" },
    ...{ addresses: ["10.96.0.1"], ports: [], selector: { app: "web" } },
    ...more,
  });

  it("is known by host and namespace", () => {
    const { id, host, namespace, kubernetes, selector, configKeys } = serviceFromRecord(record());
    assert.deepEqual(
      { id, host, namespace, kubernetes, selector, configKeys },
      {
        ...{ id: "web.shop.svc.cluster.local@shop", host: "web.shop.svc.cluster.local", namespace: "shop" },
        ...{ kubernetes: true, selector: { app: "web" }, configKeys: [] },
      },
    );
  });

  for (const [name, more, expected] of [
    ["plain", {}, ["eds", false, false]],
    ["headless", { headless: true, addresses: [] }, ["passthrough", true, false]],
    ["with an external name", { externalName: "api.example.com" }, ["dns", false, true]],
  ] as const)
    it(`${name} is found by ${expected[0]}`, () => {
      const { resolution, headless, external } = serviceFromRecord(record(more));
      assert.deepEqual([resolution, headless, external], expected);
    });

  it("without a selector selects nothing, not everything", () => {
    assert.equal(serviceFromRecord(record({ selector: {} })).selector, undefined);
  });

  it("says by an annotation who may see it", () => {
    const annotations = { "networking.istio.io/exportTo": "., prod" };
    assert.deepEqual(serviceFromRecord(record({ annotations })).exportTo, [".", "prod"]);
    assert.deepEqual(serviceFromRecord(record()).exportTo, []);
  });

  it("leaves a protocol that is not declared to sniffing", () => {
    const port = (name: string, more: object = {}) => ({
      ...{ name, port: 8000, targetPort: 8000, protocol: "TCP" as const },
      ...more,
    });
    const ports = [port("http-web"), port("odd"), port("x", { appProtocol: "grpc" }), port("dns", { protocol: "UDP" })];
    assert.deepEqual(
      serviceFromRecord(record({ ports })).ports.map((each) => each.protocol),
      [...["HTTP", "Auto", "GRPC", "UDP"]],
    );
  });

  it("with an external name has that as its only endpoint", () => {
    const ports = [{ name: "https", port: 443, targetPort: 443, protocol: "TCP" as const }];
    const [first, ...rest] = endpointsOfExternalName(record({ externalName: "api.example.com", ports }));
    assert.deepEqual([first?.address, first?.ports, rest.length], ["api.example.com", { https: 443 }, 0]);
    assert.deepEqual(endpointsOfExternalName(record()), []);
  });
});

describe("the endpoints of a Kubernetes service", () => {
  const pod = (more: Partial<PodRecord> = {}): PodRecord => ({
    ...{ type: "pod", namespace: "shop", name: "p", uid: "", ip: "10.0.0.1", serviceAccount: "sa", ready: true },
    ...{ labels: { app: "web", "security.istio.io/tlsMode": "istio" }, locality: "r/z", ports: [] },
    workload: { kind: "Deployment", name: "web" },
    ...more,
  });
  const record = (addresses: EndpointsRecord["subsets"][number]["addresses"]): EndpointsRecord => ({
    ...{ type: "endpoints", namespace: "shop", name: "web" },
    subsets: [{ addresses, ports: [{ name: "http", port: 8080 }] }],
  });
  const endpoints = (addresses: EndpointsRecord["subsets"][number]["addresses"], known = pod()) =>
    endpointsFromRecord(record(addresses), (key) => (key === "shop/p" ? known : undefined));

  it("have what their pods have", () => {
    assert.deepEqual(endpoints([{ ip: "10.0.0.1", ready: true, pod: "shop/p" }]), [
      {
        ...{ address: "10.0.0.1", ports: { http: 8080 }, locality: "r/z", weight: 1, mtls: true },
        ...{
          labels: pod().labels,
          serviceAccount: { namespace: "shop", serviceAccount: "sa" },
          workload: "web;shop;web;;Kubernetes",
        },
      },
    ]);
  });

  it("name their workload as Istio does: by canonical labels, and without the revision latest", () => {
    const named = (labels: PodRecord["labels"]): string | undefined =>
      endpoints([{ ip: "10.0.0.1", ready: true, pod: "shop/p" }], pod({ labels }))[0]?.workload;
    assert.equal(named({}), "web;shop;web;;Kubernetes");
    assert.equal(named({ app: "a", version: "v1" }), "web;shop;a;v1;Kubernetes");
    const canonical = { "service.istio.io/canonical-name": "c", "service.istio.io/canonical-revision": "latest" };
    assert.equal(named({ ...canonical, app: "a", version: "v1" }), "web;shop;c;;Kubernetes");
    assert.equal(named({ app: "a", "topology.istio.io/cluster": "east" }), "web;shop;a;;east");
  });

  it("leave out those that are not ready, and those whose pod is not known yet", () => {
    const addresses = [
      { ip: "10.0.0.1", ready: false, pod: "shop/p" },
      { ip: "10.0.0.2", ready: true, pod: "shop/unknown" },
    ];
    assert.deepEqual(endpoints(addresses), []);
  });
  it("may be addresses without a pod, which speak no mutual TLS", () => {
    const [first] = endpoints([{ ip: "192.0.2.1", ready: true }]);
    assert.deepEqual([first?.mtls, first?.serviceAccount, first?.labels], [false, undefined, {}]);
  });
  it("speak no mutual TLS without a sidecar", () => {
    const [first] = endpoints([{ ip: "10.0.0.1", ready: true, pod: "shop/p" }], pod({ labels: { app: "web" } }));
    assert.equal(first?.mtls, false);
  });
});

describe("a ServiceEntry", () => {
  const entry = (spec: Partial<ServiceEntrySpec>): Resource<ServiceEntrySpec> => ({
    ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "shop", name: "e" },
    spec: { hosts: ["api.example.com"], ports: [{ number: 80, name: "http", protocol: "HTTP" }], ...spec },
  });

  it("is one service for each host, apart from other entries of the host", () => {
    const services = servicesFromEntry(entry({ hosts: ["a.com", "b.com"] }));
    assert.deepEqual(
      services.map((each) => each.id),
      ["a.com@shop/e", "b.com@shop/e"],
    );
    assert.deepEqual(services[0]?.configKeys, ["networking.istio.io/ServiceEntry/shop/e"]);
  });

  for (const [spec, resolution, addresses] of [
    [{}, "passthrough", []],
    [{ resolution: "NONE", endpoints: [{ address: "10.0.0.1" }] }, "passthrough", []],
    [{ resolution: "STATIC" }, "eds", []],
    [{ resolution: "STATIC", endpoints: [{ address: "10.0.0.1" }] }, "eds", ["10.0.0.1"]],
    [{ resolution: "DNS" }, "dns", ["api.example.com"]],
    [{ resolution: "DNS", endpoints: [{ address: "eu.example.com" }] }, "dns", ["eu.example.com"]],
    [{ resolution: "DNS_ROUND_ROBIN" }, "dns-round-robin", ["api.example.com"]],
  ] as const)
    it(`${JSON.stringify(spec)} is found by ${resolution}`, () => {
      const resource = entry(spec as Partial<ServiceEntrySpec>);
      assert.equal(servicesFromEntry(resource)[0]?.resolution, resolution);
      const found = endpointsFromEntry(resource, "api.example.com").map((each) => each.address);
      assert.deepEqual(found, addresses);
    });

  it("is outside the mesh unless it says otherwise", () => {
    const external = (location?: "MESH_EXTERNAL" | "MESH_INTERNAL") =>
      servicesFromEntry(entry(location ? { location } : {}))[0]?.external;
    assert.deepEqual([external(), external("MESH_EXTERNAL"), external("MESH_INTERNAL")], [true, true, false]);
  });

  it("keeps networks and leaves out prefixes that are one address", () => {
    const addresses = ["10.0.0.0/8", "10.0.0.1/32", "fd00::1/128", "10.0.0.2"];
    assert.deepEqual(servicesFromEntry(entry({ addresses }))[0]?.addresses, [
      ...["10.0.0.0/8", "10.0.0.1", "fd00::1", "10.0.0.2"],
    ]);
  });

  it("finds an endpoint's port: its own, the target port, the service's number", () => {
    const ports = [
      { number: 80, name: "a" },
      { number: 81, name: "b", targetPort: 8081 },
      { number: 82, name: "c", targetPort: 8082 },
    ];
    const endpoints = [{ address: "10.0.0.1", ports: { c: 9082 } }];
    const [first] = endpointsFromEntry(entry({ resolution: "STATIC", ports, endpoints }), "api.example.com");
    assert.deepEqual(first?.ports, { a: 80, b: 8081, c: 9082 });
  });

  const api = { namespace: "shop", serviceAccount: "api" };
  for (const [endpoint, mtls, account] of [
    [{}, false, undefined],
    [{ serviceAccount: "api" }, true, api],
    [{ serviceAccount: "api", labels: { "security.istio.io/tlsMode": "disabled" } }, false, api],
    [{ labels: { "security.istio.io/tlsMode": "istio" } }, true, undefined],
  ] as const)
    it(`endpoint ${JSON.stringify(endpoint)} ${mtls ? "speaks" : "does not speak"} mutual TLS`, () => {
      const spec = { resolution: "STATIC" as const, endpoints: [{ address: "10.0.0.1", ...endpoint }] };
      const [first] = endpointsFromEntry(entry(spec), "api.example.com");
      assert.deepEqual([first?.mtls, first?.serviceAccount], [mtls, account]);
    });

  it("has a locality from its field, else from 1.1's label, and a weight of at least one", () => {
    const endpoints = [
      { address: "1", locality: "r/z", labels: { "istio-locality": "x.y" }, weight: 0 },
      { address: "2", labels: { "istio-locality": "r.z.s" }, weight: 7 },
    ];
    const found = endpointsFromEntry(entry({ resolution: "STATIC", endpoints }), "api.example.com");
    assert.deepEqual(
      found.map((each) => [each.locality, each.weight]),
      [
        ["r/z", 1],
        ["r/z/s", 7],
      ],
    );
  });
});

describe("what is exported", () => {
  for (const [exportTo, viewer, expected] of [
    [[], "b", true],
    [["*"], "b", true],
    [["."], "b", false],
    [["."], "a", true],
    [["b"], "b", true],
    [["b"], "c", false],
    [[".", "c"], "c", true],
    [["~"], "a", false],
  ] as const)
    it(`from a to ${exportTo.join() || "nobody in particular"} is ${expected ? "" : "not "}seen in ${viewer}`, () => {
      assert.equal(isVisible(exportTo, "a", viewer), expected);
    });
});
