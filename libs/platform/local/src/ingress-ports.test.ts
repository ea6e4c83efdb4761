import assert from "node:assert/strict";
import { test } from "node:test";
import { withIngressPorts } from "./ingress-ports.ts";

const AT = { http: 9999, https: 9443 };
const web = { name: "http2", port: 80, targetPort: 8080, protocol: "TCP" } as const;
const tls = { name: "https", port: 443, targetPort: 8443, protocol: "TCP" } as const;
const OPENED = [
  { ...web, targetPort: 9999 },
  { ...tls, targetPort: 9443 },
];
const CONTAINER = [
  { ...web, name: "http2-container", port: 8080, targetPort: 9999 },
  { ...tls, name: "https-container", port: 8443, targetPort: 9443 },
];

test("a Gateway's ports 80 and 443 and the ports of the gateway's container lead to those that the user chose", () => {
  assert.deepEqual(withIngressPorts([web, tls], AT), [...OPENED, ...CONTAINER]);
});

test("a Service without port 443 gets it", () => {
  assert.deepEqual(withIngressPorts([web], AT), [...OPENED, ...CONTAINER]);
});

test("a port that the Service has already stays as it is", () => {
  const own = { name: "own", port: 8080, targetPort: 1234, protocol: "TCP" } as const;
  assert.deepEqual(withIngressPorts([web, tls, own], AT), [...OPENED, own, CONTAINER[1]]);
});
