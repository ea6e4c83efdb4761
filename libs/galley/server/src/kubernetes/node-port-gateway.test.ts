import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServiceRecord } from "@xebec/model-workloads";
import type { KubeObject } from "@xebec/platform-kube";
import { atNodePorts, nodeSelectorOf, outerNodeOf } from "./node-port-gateway.ts";

const service = (type: string, text?: string): KubeObject => ({
  metadata: {
    ...{ name: "istio-ingressgateway", namespace: "istio-system" },
    ...(text === undefined ? {} : { annotations: { "traffic.istio.io/nodeSelector": text } }),
  },
  spec: { type },
});
const node = (labels: Record<string, string>, ...addresses: readonly (readonly [string, string])[]) => ({
  metadata: { name: "n", labels },
  status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
});

describe("a Service at ports of nodes", () => {
  for (const [what, object, expected] of [
    ["labels", service("NodePort", '{"role": "edge"}'), { role: "edge" }],
    ["no labels: every node", service("NodePort", "{}"), {}],
    ["an empty text", service("NodePort", ""), {}],
    ["what is no JSON: every node", service("NodePort", "role=edge"), {}],
    ["what are no labels: every node", service("NodePort", '["edge"]'), {}],
    ["no annotation", service("NodePort"), undefined],
    ["another type", service("LoadBalancer", "{}"), undefined],
  ] as const)
    it(`nodeSelector: ${what}`, () => assert.deepEqual(nodeSelectorOf(object), expected));

  it("takes a node's ExternalIP, and no other address", () => {
    const found = outerNodeOf(node({ a: "b" }, ["InternalIP", "10.0.0.1"], ["ExternalIP", "192.0.2.1"]));
    assert.deepEqual(found, { address: "192.0.2.1", labels: { a: "b" } });
    assert.equal(outerNodeOf(node({ a: "b" }, ["InternalIP", "10.0.0.1"])), undefined);
  });

  it("has the addresses of the nodes that match, and the node ports", () => {
    const record: ServiceRecord = {
      type: "service",
      ...{ namespace: "n", name: "a", hostname: "a", addresses: [], externalAddresses: ["1.1.1.1"] },
      ports: [
        { name: "tls", port: 15443, targetPort: 15443, protocol: "TCP", nodePort: 31443 },
        { name: "x", port: 80, targetPort: 80, protocol: "TCP" },
      ],
    };
    const nodes = [
      { address: "192.0.2.3", labels: { role: "edge" } },
      { address: "192.0.2.1", labels: { role: "edge" } },
      { address: "192.0.2.2", labels: { role: "worker" } },
    ];
    const at = (selector: Record<string, string>) => {
      const { externalAddresses, externalPorts } = atNodePorts(record, selector, nodes);
      return [externalAddresses, externalPorts];
    };
    assert.deepEqual(at({ role: "edge" }), [["192.0.2.1", "192.0.2.3"], { 15443: 31443 }]);
    assert.deepEqual(at({}), [["192.0.2.1", "192.0.2.2", "192.0.2.3"], { 15443: 31443 }]);
    assert.deepEqual(at({ role: "none" }), [undefined, { 15443: 31443 }]);
  });
});
