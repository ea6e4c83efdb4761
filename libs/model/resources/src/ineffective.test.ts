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
      server(HTTP, { defaultEndpoint: "127.0.0.1:80", tls: { httpsRedirect: true, credentialName: "shop" } }),
      [
        "spec.servers[0].tls.credentialName: has no effect for plaintext HTTP",
        "spec.servers[0].defaultEndpoint: has no effect at a Gateway, as in Istio; write a VirtualService",
      ],
    ],
    [
      "is reported once, for the whole of which it is a part",
      server({ ...HTTP, protocol: "UDP" }, { defaultEndpoint: "127.0.0.1:80" }),
      ["spec.servers[0]: protocol UDP is not served: a gateway listens to TCP only"],
    ],
    [
      "is what a mode of TLS does not ask for",
      server(
        { ...HTTP, protocol: "HTTPS" },
        { tls: { mode: "SIMPLE", credentialName: "shop", subjectAltNames: ["a"], httpsRedirect: true } },
      ),
      [
        "spec.servers[0].tls.httpsRedirect: has no effect with TLS: there is nothing to redirect",
        "spec.servers[0].tls.subjectAltNames: has no effect in mode SIMPLE, which asks for no client certificate",
      ],
    ],
    [
      "is what passes through",
      server(
        { ...HTTP, protocol: "TLS" },
        { tls: { mode: "PASSTHROUGH", credentialName: "shop", minProtocolVersion: "TLSV1_3" } },
      ),
      [
        "spec.servers[0].tls.credentialName: has no effect in mode PASSTHROUGH",
        "spec.servers[0].tls.minProtocolVersion: has no effect in mode PASSTHROUGH",
      ],
    ],
    [
      "is a field of the mesh configuration that is not read, whatever it is",
      ineffectiveFields("mesh.xebec.io", "MeshConfig", { trustDomain: "a", ingressClass: "b" }),
      ["spec.ingressClass: Ingress objects are not served; write a Gateway"],
    ],
  ] as const)
    it(name, () => assert.deepEqual(found, expected));
});
