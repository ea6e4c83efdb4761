import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TypedExtensionConfigSchema } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { encodeExtensionConfig } from "../../encode/extension-config.ts";
import { Generator } from "../../engine/generator.ts";
import { extensionConfig } from "../../filter/http/registry.ts";
import { type Json, jsonOf, object, proxy, scopeOf, snapshotOf } from "../../small-mesh.testkit.ts";

const RECORDS: WorkloadRecord[] = [
  {
    ...{ type: "service", namespace: "default", name: "web", hostname: "web.default.svc.cluster.local" },
    ...{ addresses: ["10.96.0.1"], selector: { app: "web" } },
    ports: [
      { name: "http", port: 80, targetPort: 8080, protocol: "TCP" },
      { name: "tcp-db", port: 3306, targetPort: 3306, protocol: "TCP" },
    ],
  },
];
const WEB = { LABELS: { app: "web" } };

function listeners(objects: readonly Resource[], metadata: object = {}): Map<string, Json> {
  const generator = new Generator(snapshotOf(objects, RECORDS));
  const own = proxy({ ...WEB, ...metadata }, "sidecar~10.0.0.1~web-1.default~x");
  const { resources } = generator.resources("listener", own, generator.proxyClass(own));
  return new Map([...resources].map(([name, each]) => [name, jsonOf(ListenerSchema, each.bytes)]));
}

// The first chain of each is that of PERMISSIVE: its connections outlive a change of the mode.
const STRICT_HTTP = ["tls(istio)>mtls http", "tls>mtls http"];
const STRICT_TCP = ["tls(istio)>mtls tcp", "tls>mtls tcp"];
const PLAIN_TCP = ["plaintext>tcp", "tls>tcp"];

/** What a chain is for: `tls(alpn)>mtls http`, `plaintext> http`. */
function shape({ filter_chain_match: match = {}, transport_socket: socket, filters }: Json): string {
  const on = match.transport_protocol === "raw_buffer" ? "plaintext" : (match.transport_protocol ?? "any");
  const alpn = match.application_protocols ? (on === "tls" ? "(istio)" : "(http)") : "";
  const kind = filters.at(-1).name.endsWith("http_connection_manager") ? "http" : "tcp";
  return `${on}${alpn}>${socket ? "mtls " : ""}${kind}`;
}

function chainsOf(objects: readonly Resource[], port: number | undefined): string[] {
  const chains: Json[] = listeners(objects).get("virtualInbound").filter_chains;
  return chains.filter((each) => each.filter_chain_match?.destination_port === port).map(shape);
}

describe("HTTP/1.0", () => {
  for (const http10 of [true, false])
    it(`is ${http10 ? "" : "not "}accepted by every proxy ${http10 ? "when" : "unless"} pilot is configured so`, () => {
      const builder = new MeshBuilder({ http10 });
      const workloads = { puts: RECORDS, deletes: [] };
      const generator = new Generator(builder.apply({ workloads }).snapshot);
      const own = proxy(WEB, "sidecar~10.0.0.1~web-1.default~x");
      const { resources } = generator.resources("listener", own, generator.proxyClass(own));
      for (const name of ["virtualInbound", "0.0.0.0_80"]) {
        const text = JSON.stringify(jsonOf(ListenerSchema, resources.get(name)?.bytes ?? new Uint8Array()));
        assert.equal(text.includes('"accept_http_10":true'), http10, name);
        assert.equal(text.includes('"http/1.0"'), http10, name);
      }
    });
});

describe("the inbound side of a workload", () => {
  const peer = (mode: string, more: object = {}): Resource[] => [
    object("PeerAuthentication", "p", { mtls: { mode }, ...more }),
  ];
  // Elsewhere each connection shows its protocol.
  const [MESH_HTTP, PLAIN_HTTP] = ["tls(istio)>mtls http", "plaintext(http)>http"] as const;
  const TCP_PERMISSIVE = ["tls(istio)>mtls tcp", "plaintext>tcp", "tls>tcp"];
  for (const [mode, objects, http, tcp, rest] of [
    [
      "PERMISSIVE",
      peer("PERMISSIVE"),
      ["tls(istio)>mtls http", "plaintext>http"],
      TCP_PERMISSIVE,
      [MESH_HTTP, PLAIN_HTTP, ...TCP_PERMISSIVE],
    ],
    ["STRICT", peer("STRICT"), STRICT_HTTP, STRICT_TCP, [MESH_HTTP, ...STRICT_TCP]],
    ["DISABLE", peer("DISABLE"), ["plaintext>http", "tls>http"], PLAIN_TCP, [PLAIN_HTTP, ...PLAIN_TCP]],
    [
      "STRICT but for one port",
      peer("STRICT", { selector: { matchLabels: { app: "web" } }, portLevelMtls: { "8080": { mode: "DISABLE" } } }),
      ["plaintext>http", "tls>http"],
      STRICT_TCP,
      [MESH_HTTP, ...STRICT_TCP],
    ],
  ] as const)
    it(`takes what ${mode} allows, on ports of services and on all others`, () => {
      assert.deepEqual(chainsOf(objects, 8080), http);
      assert.deepEqual(chainsOf(objects, 3306), tcp);
      assert.deepEqual(chainsOf(objects, undefined), rest);
    });

  it("never comes back to itself", () => {
    const [first] = listeners([]).get("virtualInbound").filter_chains;
    assert.equal(first.filter_chain_match.destination_port, 15006);
    assert.equal(first.filters[0].typed_config.cluster, "BlackHoleCluster");
  });

  it("wants a client certificate of the trust domain, and nothing that only begins like it", () => {
    const mesh = object("MeshConfig", "mesh", { trustDomain: "bank" }, { namespace: "istio-system" });
    const chains: Json[] = listeners([mesh, ...peer("STRICT")]).get("virtualInbound").filter_chains;
    const { require_client_certificate, common_tls_context } = chains.find((each) => each.transport_socket)
      .transport_socket.typed_config;
    assert.equal(require_client_certificate, true);
    const names =
      common_tls_context.combined_validation_context.default_validation_context.match_typed_subject_alt_names;
    assert.deepEqual(names, [{ san_type: "URI", matcher: { prefix: "spiffe://bank/" } }]);
  });

  it("without interception is a listener for each port, on the proxy's address alone", () => {
    const own = listeners([], { INTERCEPTION_MODE: "NONE", APP_ADDRESS: "10.0.1.1", HTTP_PROXY_PORT: "15002" });
    assert.deepEqual([...own.keys()].sort(), ["10.0.0.1_15002", "10.0.0.1_3306", "10.0.0.1_8080"]);
    for (const each of own.values()) {
      assert.equal(each.address.socket_address.address, "10.0.0.1");
      assert.equal(each.enable_reuse_port, false);
    }
  });
});

describe("a check of requests", () => {
  const rule = (namespace: string, instance: string): Resource => ({
    ...{ group: "config.istio.io", version: "v1alpha2", kind: "rule", namespace, name: "r" },
    spec: { actions: [{ handler: "h", instances: [`${instance}.instance.${namespace}`] }] },
  });
  const instance = (namespace: string, name: string, compiledTemplate: string): Resource => ({
    ...{ group: "config.istio.io", version: "v1alpha2", kind: "instance", namespace, name, spec: { compiledTemplate } },
  });
  const mesh = (spec: object): Resource => object("MeshConfig", "mesh", spec, { namespace: "istio-system" });
  const checking = (namespace: string): Resource[] => [rule(namespace, "c"), instance(namespace, "c", "checknothing")];
  /** What the filter of the listener gets by discovery. */
  const filter = (objects: Resource[]): Json => {
    const chains: Json[] = listeners(objects).get("virtualInbound").filter_chains;
    const http = chains.find((each) => shape(each).endsWith("http"));
    const { name } = http.filters.at(-1).typed_config.http_filters[1];
    const config = extensionConfig(scopeOf(snapshotOf(objects)), name);
    assert.ok(config);
    return jsonOf(TypedExtensionConfigSchema, encodeExtensionConfig(config).bytes).typed_config;
  };
  const asks = (objects: Resource[]): boolean => filter(objects).filter_enabled === undefined;

  for (const [name, objects, asked] of [
    ["is not made without rules", [], false],
    ["is made for a rule of the namespace", checking("default"), true],
    ["is made for a rule of the root namespace", checking("istio-system"), true],
    ["is not made for a rule of another namespace", checking("prod"), false],
    ["is not made for a rule that only reports", [rule("default", "m"), instance("default", "m", "metric")], false],
    ["is not made when checks are switched off", [...checking("default"), mesh({ disablePolicyChecks: true })], false],
  ] as const satisfies readonly (readonly [string, Resource[], boolean])[])
    it(name, () => assert.equal(asks(objects), asked));

  it("changes no listener but in chains of connections without HTTP", () => {
    const CHECK = "envoy.filters.network.ext_authz";
    const isCheck = (each: Json): boolean => each.name === CHECK;
    const withRule = listeners(checking("default"));
    const chains = [...withRule.values()].flatMap((each) => each.filter_chains);
    const checked = chains.filter((each) => each.filters.some(isCheck));
    assert.ok(checked.length > 0 && checked.every((each) => !shape(each).endsWith("http")));
    for (const each of chains) each.filters = each.filters.filter((one: Json) => !isCheck(one));
    assert.deepEqual([...withRule], [...listeners([])]);
  });

  it("fails closed, unless the mesh says otherwise", () => {
    const open = (objects: Resource[]): boolean => filter(objects).failure_mode_allow === true;
    assert.equal(open(checking("default")), false);
    assert.equal(open([...checking("default"), mesh({ policyCheckFailOpen: true })]), true);
  });
});
