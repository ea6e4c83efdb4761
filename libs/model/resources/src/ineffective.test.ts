import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ineffectiveFields } from "./ineffective.ts";

const NETWORKING = "networking.istio.io";
const virtualService = (rule: object): readonly string[] =>
  ineffectiveFields(NETWORKING, "VirtualService", { hosts: ["a"], http: [rule] });
const server = (port: object, more: object): readonly string[] =>
  ineffectiveFields(NETWORKING, "Gateway", { servers: [{ port, hosts: ["*"], ...more }] });
const HTTP = { number: 80, name: "http", protocol: "HTTP" };

describe("what has no effect", () => {
  for (const [name, found, expected] of [
    ["is nothing in most specs", virtualService({ route: [], timeout: "1s" }), []],
    [
      "is what the schema says",
      virtualService({ websocketUpgrade: true }),
      ["spec.http[0].websocketUpgrade: upgrades are always possible"],
    ],
    ["is not a switch that is off", virtualService({ websocketUpgrade: false }), []],
    [
      "is what another field switches off",
      virtualService({ redirect: {}, timeout: "1s" }),
      ["spec.http[0].timeout: has no effect beside redirect"],
    ],
    [
      "is reported once, by the rule that says more",
      server(HTTP, { bind: "10.0.0.1", tls: { httpsRedirect: true, mode: "SIMPLE" } }),
      ["spec.servers[0].tls.mode: has no effect for protocol HTTP", "spec.servers[0].bind: not supported yet; ignored"],
    ],
    [
      "is reported once, for the whole of which it is a part",
      server({ ...HTTP, protocol: "TLS" }, { bind: "10.0.0.1", tls: { mode: "SIMPLE" } }),
      ["spec.servers[0]: protocol TLS is not supported yet; ignored"],
    ],
    [
      "is a field of the mesh configuration that is not read, whatever it is",
      ineffectiveFields("mesh.xebec.io", "MeshConfig", { trustDomain: "a", ingressClass: "b" }),
      ["spec.ingressClass: Ingress objects are not served; write a Gateway"],
    ],
  ] as const)
    it(name, () => assert.deepEqual(found, expected));
});
