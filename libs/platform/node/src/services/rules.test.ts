import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointSlice, Service } from "../api/types.ts";
import { serviceRules } from "./rules.ts";

const OPTIONS = { table: "test", nodeIp: "10.0.0.1", nodeNames: ["node"] };
const meta = (name: string) => ({ name, namespace: "default", uid: name, resourceVersion: "1" });

function service(spec: Service["spec"], status?: Service["status"]): Service {
  return {
    metadata: meta("web"),
    spec: { clusterIP: "10.96.0.7", ports: [{ name: "http", port: 80, nodePort: 30_080 }], ...spec },
    ...(status ? { status } : {}),
  };
}

function rules(given: Service, endpoints: readonly Endpoint[]): string {
  const slice: EndpointSlice = {
    metadata: meta("web-1"),
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port: 8080 }],
  };
  return serviceRules([given], new Map([["default/web", [slice]]]), OPTIONS);
}

test("a Service's addresses lead to its ready endpoints", () => {
  const text = rules(service({ type: "NodePort", externalIPs: ["192.0.2.1"] }), [
    { addresses: ["10.244.0.2"], conditions: { ready: true } },
    { addresses: ["10.244.0.3"], conditions: { ready: true } },
    { addresses: ["10.244.0.4"], conditions: { ready: false } },
  ]);
  assert.match(text, /10\.96\.0\.7 \. tcp \. 80 : goto s0/);
  assert.match(text, /192\.0\.2\.1 \. tcp \. 80 : goto s1/);
  assert.match(text, /10\.0\.0\.1 \. tcp \. 30080 : goto s1/);
  assert.match(text, /dnat ip to numgen random mod 2 map \{ 0 : 10\.244\.0\.2 \. 8080, 1 : 10\.244\.0\.3 \. 8080 \}/);
});

test("without ready endpoints those that end still serve; without any it refuses", () => {
  const ending = { ready: false, serving: true, terminating: true };
  assert.match(rules(service({}), [{ addresses: ["10.244.0.4"], conditions: ending }]), /dnat to 10\.244\.0\.4:8080/);
  assert.match(rules(service({}), []), /elements = \{ 10\.96\.0\.7 \. tcp \. 80[\s\S]*reject/);
});

test("affinity goes by the client's address, a local policy keeps to the node's pods", () => {
  const two = ["node", "other"].map((nodeName, index) => ({ addresses: [`10.244.${index}.2`], nodeName }));
  assert.match(rules(service({ sessionAffinity: "ClientIP" }), two), /jhash ip saddr mod 2/);
  const local = rules(service({ internalTrafficPolicy: "Local" }), two);
  assert.match(local, /chain s0 \{\n {4}meta l4proto tcp dnat to 10\.244\.0\.2:8080/);
  // From outside: the cluster's own address still leads to all.
  const outside = rules(service({ type: "NodePort", externalIPs: ["192.0.2.1"], externalTrafficPolicy: "Local" }), two);
  assert.match(outside, /10\.96\.0\.7 \. tcp \. 80 : goto s0[\s\S]*192\.0\.2\.1 \. tcp \. 80 : goto s1/);
  assert.match(outside, /chain s0 \{\n.* mod 2 /);
  assert.match(outside, /chain s1 \{\n {4}meta l4proto tcp dnat to 10\.244\.0\.2:8080/);
});

test("a headless Service and an alias have no rules", () => {
  for (const spec of [{ clusterIP: "None" }, { type: "ExternalName" as const }])
    assert.doesNotMatch(rules(service(spec), [{ addresses: ["10.244.0.2"] }]), /goto/);
});
