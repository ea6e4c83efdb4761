import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "@xebec/platform-kube";
import { credentialNamesOf } from "./credential-names.ts";
import { endpointsRecordOf, type Slice, sliceOf } from "./endpoints-record.ts";
import { localityOfNode, podRecordOf } from "./pod-record.ts";
import { serviceRecordOf } from "./service-record.ts";

const object = (fields: object, metadata: object = {}): KubeObject => ({
  ...fields,
  metadata: { name: "a", namespace: "n", ...metadata },
});
const BASE = {
  type: "service",
  namespace: "n",
  name: "a",
  hostname: "a.n.svc.cluster.local",
  addresses: [],
  ports: [],
};

describe("the record of a Service", () => {
  for (const [what, spec, expected, more] of [
    [
      "dual stack",
      { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "fd00::1"] },
      { addresses: ["10.0.0.1", "fd00::1"] },
    ],
    ["headless", { clusterIP: "None", clusterIPs: ["None"] }, { headless: true }],
    [
      "an external name",
      { type: "ExternalName", externalName: "x.org", selector: { a: "b" } },
      { externalName: "x.org" },
    ],
    [
      "external addresses",
      { externalIPs: ["1.2.3.4"] },
      { externalAddresses: ["1.2.3.4", "5.6.7.8", "lb.example"] },
      {
        status: { loadBalancer: { ingress: [{ ip: "5.6.7.8" }, { hostname: "lb.example" }, { ip: "1.2.3.4" }] } },
      },
    ],
    [
      "traffic policies",
      { trafficDistribution: "PreferClose", internalTrafficPolicy: "Local" },
      { internalTrafficPolicy: "Local", trafficDistribution: "PreferClose" },
    ],
    ["the usual policy", { internalTrafficPolicy: "Cluster" }, {}],
    [
      "ports",
      { ports: [{ port: 80 }, { name: "grpc", port: 81, targetPort: "x", appProtocol: "grpc", nodePort: 30_001 }] },
      {
        ports: [
          { name: "", port: 80, targetPort: 80, protocol: "TCP" },
          { name: "grpc", port: 81, targetPort: "x", protocol: "TCP", appProtocol: "grpc", nodePort: 30_001 },
        ],
      },
    ],
  ] as const)
    it(what, () => {
      assert.deepEqual(serviceRecordOf(object({ spec, ...more }), "cluster.local"), { ...BASE, ...expected });
    });
});

describe("endpoints of slices", () => {
  const slice = (name: string, endpoints: readonly object[], ports: readonly object[] = [{ name: "http", port: 80 }]) =>
    sliceOf(
      object({ addressType: "IPv4", endpoints, ports }, { name, labels: { "kubernetes.io/service-name": "s" } }),
    ) as Slice;

  it("are ready unless it is said that they are not, or that they end", () => {
    const { addresses } = slice("a", [
      { addresses: ["1"] },
      { addresses: ["2"], conditions: { ready: null } },
      { addresses: ["3"], conditions: { ready: false } },
      { addresses: ["4"], conditions: { ready: true, terminating: true } },
      { addresses: ["5"], targetRef: { kind: "Pod", name: "p" } },
      { addresses: ["6"], targetRef: { kind: "Node", name: "x" } },
    ]);
    assert.deepEqual(addresses, [
      { ip: "1", ready: true },
      { ip: "2", ready: true },
      { ip: "3", ready: false },
      { ip: "4", ready: false },
      { ip: "5", ready: true, pod: "n/p" },
      { ip: "6", ready: true },
    ]);
  });

  it("are put together by their ports, each once, whatever the order of the slices", () => {
    const slices = [
      slice("b", [{ addresses: ["2"] }, { addresses: ["1"], conditions: { ready: true } }]),
      slice("a", [{ addresses: ["1"], conditions: { ready: false } }]),
      slice("c", [{ addresses: ["3"] }], [{ name: "http", port: 81 }]),
    ];
    const record = endpointsRecordOf("n", "s", slices);
    assert.deepEqual(record, endpointsRecordOf("n", "s", slices.toReversed()));
    assert.deepEqual(record.subsets, [
      {
        addresses: [
          { ip: "1", ready: true },
          { ip: "2", ready: true },
        ],
        ports: [{ name: "http", port: 80 }],
      },
      { addresses: [{ ip: "3", ready: true }], ports: [{ name: "http", port: 81 }] },
    ]);
  });

  it("are none of names, and of slices of no service", () => {
    assert.equal(
      sliceOf(object({ addressType: "FQDN" }, { labels: { "kubernetes.io/service-name": "s" } })),
      undefined,
    );
    assert.equal(sliceOf(object({ addressType: "IPv4" })), undefined);
  });
});

describe("the record of a Pod", () => {
  const pod = (metadata: object, status: object = { podIP: "1.1.1.1", phase: "Running" }) =>
    podRecordOf(object({ spec: {}, status }, metadata));
  const owned = (kind: string, name: string) => ({ ownerReferences: [{ kind, name, controller: true }] });

  for (const [metadata, kind, name] of [
    [{}, "Pod", "a"],
    [
      { ...owned("ReplicaSet", "reviews-v1-5d8f"), labels: { "pod-template-hash": "5d8f" } },
      "Deployment",
      "reviews-v1",
    ],
    [owned("ReplicaSet", "alone"), "ReplicaSet", "alone"],
    [owned("StatefulSet", "db"), "StatefulSet", "db"],
    [owned("DaemonSet", "log"), "DaemonSet", "log"],
    [owned("Job", "backup-29384756"), "CronJob", "backup"],
    [owned("Job", "migrate"), "Job", "migrate"],
    [
      { ...owned("ReplicationController", "shop-3"), generateName: "shop-3-", labels: { deploymentconfig: "shop" } },
      "DeploymentConfig",
      "shop",
    ],
    [{ ownerReferences: [{ kind: "Node", name: "n1" }] }, "Pod", "a"],
  ] as const)
    it(`has the workload ${kind} ${name}`, () => assert.deepEqual(pod(metadata)?.workload, { kind, name }));

  it("is none without address, or at its end", () => {
    assert.equal(pod({}, { phase: "Pending" }), undefined);
    for (const phase of ["Succeeded", "Failed"]) assert.equal(pod({}, { podIP: "1.1.1.1", phase }), undefined);
  });

  it("has the ports of its containers, native sidecars among them, and not those of the proxy", () => {
    const spec = {
      initContainers: [
        { name: "init", ports: [{ containerPort: 1 }] },
        { name: "helper", restartPolicy: "Always", ports: [{ containerPort: 2 }] },
      ],
      containers: [
        {
          name: "app",
          ports: [
            { name: "web", containerPort: 3, protocol: "TCP" },
            { containerPort: 4, protocol: "UDP" },
          ],
        },
        { name: "istio-proxy", ports: [{ containerPort: 15_090 }] },
      ],
    };
    assert.deepEqual(podRecordOf(object({ spec, status: { podIP: "1.1.1.1" } }))?.ports, [
      { container: "helper", containerPort: 2 },
      { container: "app", name: "web", containerPort: 3 },
      { container: "app", containerPort: 4, protocol: "UDP" },
    ]);
  });
});

describe("the locality of a node", () => {
  for (const [labels, locality] of [
    [{}, ""],
    [{ "topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1" }, "eu/eu-1"],
    [{ "failure-domain.beta.kubernetes.io/region": "eu", "topology.istio.io/subzone": "rack" }, "eu//rack"],
    [{ "topology.kubernetes.io/region": "eu", "failure-domain.beta.kubernetes.io/region": "old" }, "eu"],
  ] as const)
    it(`of ${JSON.stringify(labels)} is ${locality || "unknown"}`, () =>
      assert.equal(localityOfNode(labels), locality));
});

describe("the credentials that configuration names", () => {
  const named = (kind: string, spec: unknown) => {
    const { secrets, configMaps } = credentialNamesOf([
      { group: "networking.istio.io", version: "v1", kind, namespace: "n", name: "x", spec },
    ]);
    return [[...secrets].sort(), [...configMaps]];
  };
  const server = (tls: object) => ({ servers: [{ tls }] });

  for (const [what, kind, spec, secrets, configMaps = []] of [
    ["a certificate", "Gateway", server({ mode: "SIMPLE", credentialName: "a" }), ["a"]],
    ["authorities beside it", "Gateway", server({ mode: "MUTUAL", credentialName: "a" }), ["a", "a-cacert"]],
    ["several", "Gateway", server({ mode: "SIMPLE", credentialNames: ["a", "kubernetes://n/b"] }), ["a", "n/b"]],
    ["with a scheme", "Gateway", server({ credentialName: "kubernetes-gateway://n/a" }), ["n/a"]],
    [
      "authorities of a ConfigMap",
      "Gateway",
      server({ credentialName: "a", caCertCredentialName: "configmap://n/ca" }),
      ["a"],
      ["n/ca"],
    ],
    ["what others serve", "Gateway", server({ credentialName: "sds://x" }), []],
    [
      "of a client",
      "DestinationRule",
      { trafficPolicy: { tls: { mode: "SIMPLE", credentialName: "c" } } },
      ["c", "c-cacert"],
    ],
    ["nothing of other kinds", "VirtualService", { credentialName: "a" }, []],
  ] as const)
    it(what, () => assert.deepEqual(named(kind, spec), [secrets, configMaps]));
});
