import assert from "node:assert/strict";
import { test } from "node:test";
import { withIngressPort } from "./ingress-ports.ts";

const web = { name: "http2", port: 80, targetPort: 8080, protocol: "TCP" } as const;
const other = { name: "tls", port: 443, targetPort: 8443, protocol: "TCP" } as const;

test("a Gateway's port 80 and the port of the gateway's container both lead to the port that the user chose", () => {
  assert.deepEqual(withIngressPort([web, other], 9999), [
    { ...web, targetPort: 9999 },
    other,
    { ...web, name: "http2-container", port: 8080, targetPort: 9999 },
  ]);
  const own = { ...other, port: 8080 };
  assert.deepEqual(withIngressPort([web, own], 9999), [{ ...web, targetPort: 9999 }, own]);
  assert.deepEqual(withIngressPort([other], 9999), [other]);
});
