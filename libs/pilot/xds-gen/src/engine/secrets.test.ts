import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import { createIssuer, createRoot, generateKey, privateKeyPem, publicKeyDer, secretRecordOf } from "@xebec/model-pki";
import type { Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { jsonOf, object, proxy, service } from "../small-mesh.testkit.ts";
import { Generator } from "./generator.ts";

const DAY = 86_400_000;
const root = createRoot({ keyType: "P-256", organization: "x", notBefore: 0, notAfter: Date.now() + 999 * DAY });
function pair(notAfter = Date.now() + DAY, notBefore = 0) {
  const key = generateKey("P-256");
  const names = { dns: ["a.example"] };
  const cert = createIssuer(root.certificate, root.key).issue({
    publicKey: publicKeyDer(key),
    names,
    notBefore,
    notAfter,
  });
  return { "tls.crt": cert, "tls.key": privateKeyPem(key) };
}
const secret = (
  name: string,
  stringData: Record<string, string>,
  namespace = "gw",
  kind: "Secret" | "ConfigMap" = "Secret",
) => {
  const record = secretRecordOf(kind, { namespace, name }, { stringData, data: stringData });
  assert.ok(record);
  return record;
};
const ROUTER = proxy({ NAMESPACE: "gw", LABELS: { istio: "ingress" } }, "router~10.0.0.9~gw.gw~x");
const SIDECAR = proxy({ NAMESPACE: "gw", LABELS: { app: "client" } }, "sidecar~10.0.0.8~app.gw~x");

function generator(secrets: ReturnType<typeof secret>[], objects: Resource[] = []): Generator {
  const builder = new MeshBuilder();
  const workloads = { puts: [...service("web"), ...service("db", { ports: { tcp: 5432 } })], deletes: [] };
  return new Generator(builder.apply({ config: { puts: objects, deletes: [] }, workloads, secrets }).snapshot);
}
const asked = (from: Generator, name: string, who = ROUTER) =>
  from.resources("secret", who, from.proxyClass(who), { key: name, names: [name] }).resources.get(name);
const remarks = (from: Generator, who = ROUTER): string[] =>
  [...from.remarks(who, from.proxyClass(who))].map(({ key, text }) => `${key.split("/").at(-1)} ${text}`);

const gateway = (name: string, servers: object[], created = "2026-01-01T00:00:00Z"): Resource =>
  object("Gateway", name, { selector: { istio: "ingress" }, servers }, { namespace: "gw", created });
const https = (tls: object, more: object = {}) => ({
  ...{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["a.example"], tls },
  ...more,
});
const SIMPLE = { mode: "SIMPLE", credentialName: "web" };

describe("a secret", () => {
  const from = generator([
    secret("web", pair()),
    secret("web", pair(), "other"),
    secret("ca-cacert", { cacert: root.certificate }),
    secret("both", { ...pair(), "ca.crt": root.certificate }),
    secret("bundle", { "ca.crt": root.certificate }, "gw", "ConfigMap"),
  ]);

  for (const [name, kind] of [
    ["kubernetes://web", "tls_certificate"],
    ["kubernetes://gw/web", "tls_certificate"],
    ["kubernetes-gateway://gw/web", "tls_certificate"],
    ["kubernetes://ca-cacert", "validation_context"],
    ["kubernetes://both-cacert", "validation_context"],
    ["configmap://gw/bundle", "validation_context"],
  ] as const)
    it(`is served as ${name}`, () => {
      const found = asked(from, name);
      assert.ok(found);
      const json = jsonOf(SecretSchema, found.bytes);
      assert.deepEqual([json.name, Object.keys(json).includes(kind)], [name, true]);
    });

  for (const name of [
    "kubernetes://other/web",
    "kubernetes-gateway://other/web",
    "kubernetes-gateway://web",
    "kubernetes://gw/web/more",
    "kubernetes://none",
    "kubernetes://ca",
    "kubernetes://web-cacert",
    "configmap://gw/web",
    "default",
    "kubernetes:///web",
    "",
  ])
    it(`is not served as "${name}"`, () => assert.equal(asked(from, name), undefined));

  it("is for a router alone, and for sidecars that a rule selects", () => {
    const rule = (workloadSelector?: object) =>
      object(
        "DestinationRule",
        "dr",
        {
          host: "web.default.svc.cluster.local",
          trafficPolicy: { tls: { mode: "MUTUAL", credentialName: "web" } },
          workloadSelector,
        },
        { namespace: "gw" },
      );
    const secrets = [secret("web", { ...pair(), "ca.crt": root.certificate }), secret("more", pair())];
    assert.equal(asked(generator(secrets), "kubernetes://web", SIDECAR), undefined);
    assert.equal(asked(generator(secrets, [rule()]), "kubernetes://web", SIDECAR), undefined);
    const selected = generator(secrets, [rule({ matchLabels: { app: "client" } })]);
    for (const name of ["kubernetes://web", "kubernetes://web-cacert"]) assert.ok(asked(selected, name, SIDECAR));
    assert.equal(asked(selected, "kubernetes://more", SIDECAR), undefined);
    const others = generator(secrets, [rule({ matchLabels: { app: "other" } })]);
    assert.equal(asked(others, "kubernetes://web", SIDECAR), undefined);
  });

  it("names the Gateways behind it", () => {
    const used = generator([secret("web", pair())], [gateway("one", [https(SIMPLE)]), gateway("two", [https(SIMPLE)])]);
    assert.deepEqual(
      asked(used, "kubernetes://web")?.configKeys,
      ["one", "two"].map((each) => `networking.istio.io/Gateway/gw/${each}`),
    );
  });

  it("is made again when it changes, and nothing else is", () => {
    const builder = new MeshBuilder();
    const made = new Generator(builder.apply({ secrets: [secret("web", pair()), secret("both", pair())] }).snapshot);
    const [web, both] = [asked(made, "kubernetes://web"), asked(made, "kubernetes://both")];
    const { snapshot, changed } = builder.apply({ secrets: [secret("web", pair())] });
    made.update(snapshot, changed);
    assert.notEqual(asked(made, "kubernetes://web")?.version, web?.version);
    assert.equal(asked(made, "kubernetes://both"), both);
  });
});

describe("the Gateways of a router", () => {
  for (const ownNamespaceGateways of [false, true])
    it(`are those of ${ownNamespaceGateways ? "its own namespace, when pilot is told so" : "all namespaces"}`, () => {
      const own = gateway("own", [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }]);
      const far = {
        ...gateway("far", [{ port: { number: 81, name: "http", protocol: "HTTP" }, hosts: ["*"] }]),
        namespace: "far",
      };
      const builder = new MeshBuilder({ ownNamespaceGateways });
      const made = new Generator(builder.apply({ config: { puts: [own, far], deletes: [] } }).snapshot);
      const names = [...made.resources("listener", ROUTER, made.proxyClass(ROUTER)).resources.keys()].sort();
      assert.deepEqual(names, ownNamespaceGateways ? ["0.0.0.0_80"] : ["0.0.0.0_80", "0.0.0.0_81"]);
    });
});

describe("what a gateway leaves out is told", () => {
  for (const [name, secrets, tls, expected] of [
    ["a Secret that is not there", [], SIMPLE, "no Secret gw/web"],
    [
      "a Secret in the place of the Gateway's author",
      [secret("web", pair(), "default")],
      SIMPLE,
      "no Secret gw/web; the one in default does not count: it must be where the proxy is",
    ],
    [
      "a Secret of another namespace",
      [],
      { ...SIMPLE, credentialName: "shop/web" },
      "Secret shop/web: it must be in the namespace of the proxy, gw",
    ],
    [
      "a key of another certificate",
      [secret("web", { ...pair(), "tls.key": pair()["tls.key"] })],
      SIMPLE,
      "Secret gw/web: tls.key is not the key of the certificate in tls.crt",
    ],
    [
      "a certificate that has ended",
      [secret("web", pair(DAY))],
      SIMPLE,
      "Secret gw/web: its certificate ended 1970-01-02T00:00:00.000Z",
    ],
    [
      "authorities that are not there",
      [secret("web", pair())],
      { ...SIMPLE, mode: "MUTUAL" },
      "Secret gw/web: it has neither cacert nor ca.crt",
    ],
    ["all is well", [secret("web", pair())], SIMPLE, undefined],
  ] as const)
    it(name, () =>
      assert.deepEqual(
        remarks(generator([...secrets], [gateway("g", [https(tls)])])),
        expected === undefined ? [] : [`g spec.servers[0].tls: ${expected}`],
      ),
    );

  const later = (server: object, first: object = https(SIMPLE)): string[] =>
    remarks(
      generator([secret("web", pair())], [gateway("old", [first]), gateway("new", [server], "2026-02-01T00:00:00Z")]),
    );
  const HTTP = { port: { number: 443, name: "http", protocol: "HTTP" }, hosts: ["a.example"] };
  const TCP = { port: { number: 443, name: "tcp", protocol: "TCP" }, hosts: ["*"] };
  const had = (what: string) => `new spec.servers[0].${what}`;
  for (const [name, found, expected] of [
    [
      "one host twice on a port",
      later(https(SIMPLE, { hosts: ["x/a.example"] })),
      [had("hosts: gw/old (port https) has the host a.example on this port already")],
    ],
    [
      "plaintext where TLS is",
      later(HTTP),
      [had("port: gw/old (port https) has this port already, for protocol HTTPS")],
    ],
    [
      "TLS where plaintext is",
      later(https(SIMPLE), HTTP),
      [had("port: gw/old (port http) has this port already, for protocol HTTP")],
    ],
    [
      "bytes twice",
      later(TCP, TCP),
      [had("port: gw/old (port tcp) has this port already; only one server can take its bytes")],
    ],
    ["another host is no conflict", later(https(SIMPLE, { hosts: ["b.example"] })), []],
    ["another address is no conflict", later({ ...HTTP, bind: "10.0.0.1" }), []],
    ["plaintext for one host is no conflict", later(HTTP, HTTP), []],
  ] as const)
    it(name, () => assert.deepEqual(found, expected));

  it("a server name that an older rule has", () => {
    const rule = (name: string, created: string) =>
      object(
        "VirtualService",
        name,
        {
          ...{ hosts: ["a.example"], gateways: ["gw/g"] },
          tls: [{ match: [{ sniHosts: ["a.example"] }], route: [{ destination: { host: "db" } }] }],
        },
        { created },
      );
    const server = https({ mode: "PASSTHROUGH" });
    const rules = [rule("new", "2026-02-01T00:00:00Z"), rule("old", "2026-01-01T00:00:00Z")];
    assert.deepEqual(remarks(generator([], [gateway("g", [server]), ...rules])), [
      "new spec.tls: at gw/g an older rule has a.example",
    ]);
  });

  it("a Secret that a DestinationRule names", () => {
    const rule = object("DestinationRule", "dr", {
      host: "web",
      trafficPolicy: {
        portLevelSettings: [{ port: { number: 9080 }, tls: { mode: "MUTUAL", credentialName: "client" } }],
      },
    });
    assert.deepEqual(remarks(generator([], [rule])), [
      "dr spec.trafficPolicy.portLevelSettings[0].tls.credentialName: no Secret gw/client",
    ]);
    assert.deepEqual(remarks(generator([], [rule]), SIDECAR), []);
  });

  it("SIMPLE of a DestinationRule needs the authorities alone", () => {
    const rule = object("DestinationRule", "dr", {
      host: "web",
      trafficPolicy: { tls: { mode: "SIMPLE", credentialName: "authority" } },
    });
    const at = "dr spec.trafficPolicy.tls.credentialName: ";
    assert.deepEqual(remarks(generator([], [rule])), [`${at}no Secret gw/authority-cacert or gw/authority`]);
    assert.deepEqual(remarks(generator([secret("authority", { "ca.crt": root.certificate })], [rule])), []);
  });
});
