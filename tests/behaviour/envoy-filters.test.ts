// What an EnvoyFilter changes of what Envoy gets.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object } from "./objects.ts";

const SERVED = "10.1.0.33";
const TYPE = "type.googleapis.com/envoy.extensions.filters";
const ROUTER = {
  filter: { name: "envoy.filters.network.http_connection_manager", subFilter: { name: "envoy.filters.http.router" } },
};
const full = (name: string): string => `${name}.default.svc.cluster.local`;

interface Meta {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
}
const filter = (
  patches: readonly object[],
  more: object = {},
  { name = "own", namespace = "default", created = "2026-01-01T00:00:00Z" }: Meta = {},
): object => ({
  ...(object(
    "EnvoyFilter",
    name,
    { configPatches: patches, ...more },
    { namespace, creationTimestamp: created },
  ) as object),
  apiVersion: "networking.istio.io/v1alpha3",
});
const patch = (applyTo: string, operation: string, value?: object, match: object = {}): object => ({
  applyTo,
  match,
  patch: { operation, ...(value ? { value } : {}) },
});
/** A Lua filter that appends to a header of the response. */
const lua = (text: string, name = "my.lua", header = "x-lua"): object => ({
  name,
  typed_config: {
    "@type": `${TYPE}.http.lua.v3.Lua`,
    default_source_code: {
      inline_string: `function envoy_on_response(h) local own = h:headers():get("${header}") or ""; h:headers():replace("${header}", own .. "${text}") end`,
    },
  },
});
const INBOUND = { context: "SIDECAR_INBOUND", listener: { filterChain: ROUTER } };
const OUTBOUND = { context: "SIDECAR_OUTBOUND", listener: { filterChain: ROUTER } };
const CLIENT = { workloadSelector: { labels: { app: "client" } } };

const web = host("web");
const other = host("other");
const bytes = host("bytes", { ports: { tcp: 9100 } });
const served: LabService = {
  ...{ name: "served", address: "10.98.1.1", ports: { http: 80 } },
  pods: [{ name: "served-1", ip: SERVED, sidecar: true, labels: { app: "served" }, serviceAccount: "served" }],
};

describe("EnvoyFilter through real Envoys", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        client: {
          ...{ kind: "captured", ip: "10.1.0.9", labels: { app: "client" } },
          metadata: { ISTIO_VERSION: "1.29.0", TEAM: "blue" },
        },
        served: { kind: "captured", ip: SERVED, labels: { app: "served" }, serviceAccount: "served" },
        gateway: {
          ...{ kind: "gateway", ip: "10.1.0.20" },
          labels: { istio: "ingressgateway", "gateway.networking.k8s.io/gateway-name": "edge" },
        },
      },
      services: [web, other, bytes, served],
      objects: [
        object("Gateway", "edge", {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 8080, name: "http-edge", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("VirtualService", "edge", {
          ...{ hosts: ["edge.example.com"], gateways: ["edge"] },
          http: [{ name: "to-web", route: [{ destination: { host: "web" } }] }],
        }),
        object("VirtualService", "web", {
          hosts: [full("web")],
          http: [
            { name: "moved", match: [{ uri: { prefix: "/moved" } }], redirect: { uri: "/" } },
            { name: "rest", route: [{ destination: { host: "web" } }] },
          ],
        }),
      ],
    });
    await lab.serve({ name: "container", at: `${SERVED}:80` });
    await lab.serve({ name: "elsewhere", at: "10.250.0.1:7000" });
  });
  after(() => lab.close());

  const out = (url = "http://web/", more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ through: "client", url, timeoutMs: 5_000, ...more });
  const into = (more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ to: "served", url: "http://served/", timeoutMs: 5_000, ...more });
  const edge = (): Promise<Answered> =>
    lab.http({ to: "gateway", url: "http://edge.example.com:8080/", timeoutMs: 5_000 });
  const header = async (call: Promise<Answered>, name = "x-lua"): Promise<string> => (await call).headers[name] ?? "";
  /** What the header is in every direction. */
  const everywhere = async (): Promise<string[]> => Promise.all([header(into()), header(out()), header(edge())]);

  it("HTTP_FILTER INSERT_BEFORE: a Lua filter before the router", async () => {
    await lab.during([filter([patch("HTTP_FILTER", "INSERT_BEFORE", lua("in"), INBOUND)])], async () =>
      assert.deepEqual(await everywhere(), ["in", "", ""]),
    );
    assert.deepEqual(await everywhere(), ["", "", ""]);
  });

  it("match.context", async () => {
    for (const [context, expected] of [
      ["SIDECAR_OUTBOUND", ["", "x", ""]],
      ["GATEWAY", ["", "", "x"]],
      ["ANY", ["x", "x", "x"]],
    ] as const)
      await lab.during([filter([patch("HTTP_FILTER", "INSERT_FIRST", lua("x"), { context })])], async () =>
        assert.deepEqual(await everywhere(), expected, context),
      );
  });

  it("workloadSelector, targetRefs, the namespace and the root namespace", async () => {
    const own = [patch("HTTP_FILTER", "INSERT_FIRST", lua("x"))];
    for (const [more, meta, expected] of [
      [CLIENT, {}, ["", "x", ""]],
      [{ targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }] }, {}, ["", "", "x"]],
      [{}, { namespace: "shop" }, ["", "", ""]],
      [{}, { namespace: "istio-system" }, ["x", "x", "x"]],
      [CLIENT, { namespace: "istio-system" }, ["", "x", ""]],
    ] as const)
      await lab.during([filter(own, more, meta)], async () => assert.deepEqual(await everywhere(), expected));
  });

  it("match.proxy: version and metadata", async () => {
    for (const [proxy, expected] of [
      [{ proxyVersion: "^1\\.29.*" }, "x"],
      [{ proxyVersion: "^1\\.2[0-8].*" }, ""],
      [{ metadata: { TEAM: "blue" } }, "x"],
      [{ metadata: { TEAM: "red" } }, ""],
    ] as const)
      await lab.during([filter([patch("HTTP_FILTER", "INSERT_FIRST", lua("x"), { proxy })])], async () =>
        assert.equal(await header(out()), expected, JSON.stringify(proxy)),
      );
  });

  it("priority, then the root namespace, then the age", async () => {
    const each = (text: string, priority: number, meta: Meta): object =>
      filter(
        [patch("HTTP_FILTER", "INSERT_FIRST", lua(text, `lua.${text}`), OUTBOUND)],
        { priority },
        { name: text, ...meta },
      );
    // The first one inserted is the last one that requests reach, and the first that answers reach.
    const objects = [
      each("d", 0, { created: "2026-02-01T00:00:00Z" }),
      each("c", 0, {}),
      each("b", 0, { namespace: "istio-system", created: "2026-03-01T00:00:00Z" }),
      each("a", -1, { created: "2026-04-01T00:00:00Z" }),
    ];
    await lab.during(objects, async () => assert.equal(await header(out()), "abcd"));
  });

  it("HTTP_FILTER INSERT_AFTER, REPLACE, MERGE and REMOVE", async () => {
    const at = (name: string): object => ({
      ...OUTBOUND,
      listener: { filterChain: { filter: { ...ROUTER.filter, subFilter: { name } } } },
    });
    const first = patch("HTTP_FILTER", "INSERT_FIRST", lua("1", "lua.1"), OUTBOUND);
    for (const [more, expected] of [
      [patch("HTTP_FILTER", "INSERT_AFTER", lua("2", "lua.2"), at("lua.1")), "21"],
      [patch("HTTP_FILTER", "REPLACE", lua("3", "lua.3"), at("lua.1")), "3"],
      [patch("HTTP_FILTER", "REMOVE", undefined, at("lua.1")), ""],
      [patch("HTTP_FILTER", "MERGE", lua("4", "lua.1"), at("lua.1")), "4"],
    ] as const)
      await lab.during([filter([first, more])], async () => assert.equal(await header(out()), expected));
  });

  it("HTTP_FILTER with a local rate limit, as in Istio's task", async () => {
    const limit = {
      name: "envoy.filters.http.local_ratelimit",
      typed_config: {
        "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
        type_url: `${TYPE}.http.local_ratelimit.v3.LocalRateLimit`,
        value: {
          stat_prefix: "http_local_rate_limiter",
          token_bucket: { max_tokens: 2, tokens_per_fill: 2, fill_interval: "60s" },
          filter_enabled: { default_value: { numerator: 100, denominator: "HUNDRED" } },
          filter_enforced: { default_value: { numerator: 100, denominator: "HUNDRED" } },
          response_headers_to_add: [
            { append_action: "OVERWRITE_IF_EXISTS_OR_ADD", header: { key: "x-local-rate-limit", value: "true" } },
          ],
        },
      },
    };
    await lab.during([filter([patch("HTTP_FILTER", "INSERT_BEFORE", limit, INBOUND)])], async () => {
      const answers = [await into(), await into(), await into()];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 429],
      );
      assert.equal(answers[2]?.headers["x-local-rate-limit"], "true");
    });
  });

  it("NETWORK_FILTER MERGE: settings of the connection manager", async () => {
    const value = {
      typed_config: {
        "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
        server_name: "patched",
        server_header_transformation: "OVERWRITE",
      },
    };
    const match = { context: "SIDECAR_INBOUND", listener: { filterChain: { filter: { name: ROUTER.filter.name } } } };
    await lab.during([filter([patch("NETWORK_FILTER", "MERGE", value, match)])], async () => {
      const answer = await into();
      assert.equal(answer.headers.server, "patched");
      assert.equal(answer.by, "container");
    });
  });

  it("NETWORK_FILTER INSERT_BEFORE, REPLACE and REMOVE", async () => {
    const direct = (text: string): object => ({
      name: "envoy.filters.network.direct_response",
      typed_config: { "@type": `${TYPE}.network.direct_response.v3.Config`, response: { inline_string: text } },
    });
    const nothing = {
      name: "envoy.filters.network.rbac",
      typed_config: { "@type": `${TYPE}.network.rbac.v3.RBAC`, stat_prefix: "closed.", rules: { action: "ALLOW" } },
    };
    const match = {
      context: "SIDECAR_OUTBOUND",
      listener: { portNumber: 9100, filterChain: { filter: { name: "envoy.filters.network.tcp_proxy" } } },
    };
    const call = () => lab.tcp({ through: "client", host: "bytes", port: 9100, timeoutMs: 5_000 });
    await lab.during([filter([patch("NETWORK_FILTER", "INSERT_BEFORE", nothing, match)])], async () =>
      assert.equal((await call()).by, ""),
    );
    await lab.during([filter([patch("NETWORK_FILTER", "REPLACE", direct("instead"), match)])], async () =>
      assert.equal((await call()).text, "instead"),
    );
    const both = [
      patch("NETWORK_FILTER", "INSERT_BEFORE", nothing, match),
      patch("NETWORK_FILTER", "REMOVE", undefined, {
        ...match,
        listener: { portNumber: 9100, filterChain: { filter: { name: nothing.name } } },
      }),
    ];
    await lab.during([filter(both)], async () => assert.match((await call()).by, /^bytes/));
  });

  it("CLUSTER MERGE, by service, port and subset: the cluster's TLS and its other settings", async () => {
    const value = { connect_timeout: "3s", circuit_breakers: { thresholds: [{ max_requests: 1 }] } };
    const limited = (cluster: object): object =>
      filter([
        patch(
          "CLUSTER",
          "MERGE",
          { ...value, circuit_breakers: { thresholds: [{ priority: "HIGH", max_requests: 7 }] } },
          { context: "SIDECAR_OUTBOUND", cluster },
        ),
      ]);
    const config = async (): Promise<string> => {
      const text = (await lab.envoys.get("client")?.admin("/config_dump?resource=dynamic_active_clusters")) ?? "{}";
      const { configs = [] } = JSON.parse(text) as { configs?: { cluster?: { name?: string } }[] };
      return JSON.stringify(configs.find(({ cluster }) => cluster?.name === `outbound|80||${full("web")}`) ?? {});
    };
    for (const [cluster, isPatched] of [
      [{ service: full("web"), portNumber: 80 }, true],
      [{ name: `outbound|80||${full("web")}` }, true],
      [{ service: full("web"), subset: "v9" }, false],
      [{ service: full("other") }, false],
    ] as const)
      await lab.during([limited(cluster)], async () => {
        assert.equal((await config()).includes('"connect_timeout":"3s"'), isPatched);
        assert.match((await out()).by, /^web/);
      });
    const tls = {
      transport_socket: {
        name: "envoy.transport_sockets.tls",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
          common_tls_context: { tls_params: { tls_maximum_protocol_version: "TLSv1_2" } },
        },
      },
    };
    await lab.during([filter([patch("CLUSTER", "MERGE", tls, { cluster: { service: full("web") } })])], async () => {
      const text = await config();
      assert.match(text, /"tls_maximum_protocol_version":"TLSv1_2"/);
      assert.match(text, /tlsMode-istio.*"sni":"outbound_\.80_/);
    });
  });

  it("CLUSTER ADD and HTTP_ROUTE INSERT_FIRST: a route to a cluster of its own", async () => {
    const cluster = {
      ...{ name: "elsewhere", type: "STATIC", connect_timeout: "1s" },
      load_assignment: {
        cluster_name: "elsewhere",
        endpoints: [
          {
            lb_endpoints: [{ endpoint: { address: { socket_address: { address: "10.250.0.1", port_value: 7000 } } } }],
          },
        ],
      },
    };
    const route = { name: "mine", match: { prefix: "/elsewhere" }, route: { cluster: "elsewhere" } };
    const vhost = {
      context: "SIDECAR_OUTBOUND",
      routeConfiguration: { name: "80", vhost: { name: `${full("web")}:80` } },
    };
    await lab.during(
      [filter([patch("CLUSTER", "ADD", cluster), patch("HTTP_ROUTE", "INSERT_FIRST", route, vhost)])],
      async () => {
        assert.equal((await out("http://web/elsewhere")).by, "elsewhere");
        assert.match((await out("http://web/")).by, /^web/);
      },
    );
    await lab.during(
      [filter([patch("CLUSTER", "REMOVE", undefined, { cluster: { service: full("web") } })])],
      async () => assert.equal((await out()).status, 503),
    );
  });

  it("ROUTE_CONFIGURATION, VIRTUAL_HOST and HTTP_ROUTE MERGE: headers of the response, by table, host and route", async () => {
    const adds = { response_headers_to_add: [{ header: { key: "x-lua", value: "x" } }] };
    const at = (routeConfiguration: object): object => ({ context: "SIDECAR_OUTBOUND", routeConfiguration });
    const vhost = (more: object): object => at({ portNumber: 80, vhost: more });
    for (const [applyTo, match, expected] of [
      ["ROUTE_CONFIGURATION", at({ name: "80" }), ["x", "x"]],
      ["ROUTE_CONFIGURATION", at({ portNumber: 81 }), ["", ""]],
      ["VIRTUAL_HOST", vhost({ name: `${full("web")}:80` }), ["x", ""]],
      ["VIRTUAL_HOST", vhost({ domainName: full("other") }), ["", "x"]],
      ["HTTP_ROUTE", vhost({ route: { name: "rest" } }), ["x", ""]],
      ["HTTP_ROUTE", vhost({ route: { action: "REDIRECT" } }), ["", ""]],
    ] as const)
      await lab.during([filter([patch(applyTo, "MERGE", adds, match)])], async () =>
        assert.deepEqual(
          [await header(out()), await header(out("http://other/"))],
          expected,
          JSON.stringify([applyTo, match]),
        ),
      );
    const gateway = {
      context: "GATEWAY",
      routeConfiguration: { gateway: "default/edge", portName: "http-edge", portNumber: 8080 },
    };
    await lab.during([filter([patch("VIRTUAL_HOST", "MERGE", adds, gateway)])], async () =>
      assert.equal(await header(edge()), "x"),
    );
    const inbound = { context: "SIDECAR_INBOUND", routeConfiguration: { name: "inbound|80||" } };
    await lab.during([filter([patch("HTTP_ROUTE", "MERGE", adds, inbound)])], async () =>
      assert.equal(await header(into()), "x"),
    );
  });

  it("VIRTUAL_HOST ADD, REPLACE and REMOVE, HTTP_ROUTE ADD, INSERT_BEFORE, INSERT_AFTER and REMOVE", async () => {
    const says = (status: number, prefix = "/"): object => ({
      name: "mine",
      match: { prefix },
      direct_response: { status },
    });
    const table = { context: "SIDECAR_OUTBOUND", routeConfiguration: { name: "80" } };
    const at = (more: object): object => ({
      ...table,
      routeConfiguration: { name: "80", vhost: { name: `${full("web")}:80`, ...more } },
    });
    const added = { name: "added", domains: ["added.example.com"], routes: [says(418)] };
    for (const [operation, value, match, url, status] of [
      ["ADD", added, table, "http://added.example.com/", 418],
      [
        "REPLACE",
        { name: `${full("web")}:80`, domains: [full("web"), "web"], routes: [says(419)] },
        at({}),
        "http://web/",
        419,
      ],
      ["REMOVE", undefined, at({}), `http://${full("web")}/`, 404],
    ] as const)
      await lab.during([filter([patch("VIRTUAL_HOST", operation, value, match)])], async () => {
        const closed = object("Sidecar", "closed", { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } });
        if (operation !== "REMOVE") assert.equal((await out(url)).status, status);
        else await lab.during([closed], async () => assert.equal((await out(url)).status, 502));
      });
    for (const [operation, value, match, path, status] of [
      ["ADD", says(418, "/late"), at({}), "/late", 200],
      ["INSERT_BEFORE", says(418, "/x"), at({ route: { name: "rest" } }), "/x", 418],
      ["INSERT_AFTER", says(418, "/x"), at({ route: { name: "moved" } }), "/x", 418],
      ["REMOVE", undefined, at({ route: { name: "moved" } }), "/moved", 200],
    ] as const)
      await lab.during([filter([patch("HTTP_ROUTE", operation, value, match)])], async () =>
        assert.equal((await out(`http://web${path}`)).status, status, operation),
      );
  });

  it("LISTENER ADD, MERGE and REMOVE, FILTER_CHAIN ADD, MERGE and REMOVE, LISTENER_FILTER", async () => {
    const direct = (text: string): object => ({
      name: "direct",
      typed_config: { "@type": `${TYPE}.network.direct_response.v3.Config`, response: { inline_string: text } },
    });
    const listener = {
      name: "mine",
      address: { socket_address: { address: "127.0.0.5", port_value: 9555 } },
      filter_chains: [{ name: "one", filters: [direct("one")] }],
    };
    const add = patch("LISTENER", "ADD", listener, { context: "SIDECAR_OUTBOUND" });
    const mine = (filterChain?: object): object => ({
      listener: { name: "mine", ...(filterChain ? { filterChain } : {}) },
    });
    const said = async (...patches: object[]): Promise<string> => {
      let text = "";
      await lab.during([filter([add, ...patches], CLIENT)], async () => {
        text = (await lab.tcp({ at: "127.0.0.5:9555", port: 9555, timeoutMs: 2_000 })).text;
      });
      return text;
    };
    assert.equal(await said(), "one");
    const local = {
      name: "two",
      filter_chain_match: { source_prefix_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] },
      filters: [direct("two")],
    };
    assert.equal(await said(patch("FILTER_CHAIN", "ADD", local, mine())), "two");
    assert.equal(
      await said(
        patch("FILTER_CHAIN", "ADD", local, mine()),
        patch("FILTER_CHAIN", "REMOVE", undefined, mine({ name: "two" })),
      ),
      "one",
    );
    const nowhere = { filter_chain_match: { source_prefix_ranges: [{ address_prefix: "10.9.0.0", prefix_len: 16 }] } };
    assert.equal(await said(patch("FILTER_CHAIN", "MERGE", nowhere, mine({ name: "one" }))), "");
    assert.equal(await said(patch("LISTENER", "REMOVE", undefined, mine())), "");
    const tls = {
      name: "envoy.filters.listener.tls_inspector",
      typed_config: { "@type": `${TYPE}.listener.tls_inspector.v3.TlsInspector` },
    };
    const sni = { filter_chain_match: { transport_protocol: "raw_buffer" } };
    assert.equal(
      await said(
        patch("LISTENER_FILTER", "ADD", tls, mine()),
        patch("FILTER_CHAIN", "MERGE", sni, mine({ name: "one" })),
      ),
      "one",
    );
    const timeout = patch(
      "LISTENER",
      "MERGE",
      { listener_filters_timeout: "1s", default_filter_chain: { filters: [direct("last")] } },
      mine(),
    );
    assert.equal(await said(timeout, patch("FILTER_CHAIN", "MERGE", nowhere, mine({ name: "one" }))), "last");
  });

  it("match.listener: what a chain matches, and the name of a Gateway's port", async () => {
    const at = (listener: object, context = "SIDECAR_INBOUND"): object => ({ context, listener });
    const of = (chain: object): object => at({ filterChain: { ...chain, ...ROUTER } });
    for (const [match, expected] of [
      [of({ destinationPort: 80 }), ["x", ""]],
      [of({ destinationPort: 81 }), ["", ""]],
      [of({ transportProtocol: "raw_buffer" }), ["x", ""]],
      [of({ transportProtocol: "tls", applicationProtocols: "istio-http/1.1,istio-h2" }), ["", ""]],
      [of({ sni: "nobody.example.com" }), ["", ""]],
      [at({ portName: "http-edge", portNumber: 8080 }, "GATEWAY"), ["", "x"]],
      [at({ portName: "other" }, "GATEWAY"), ["", ""]],
    ] as const)
      await lab.during([filter([patch("HTTP_FILTER", "INSERT_FIRST", lua("x"), match)])], async () =>
        assert.deepEqual([await header(into()), await header(edge())], expected, JSON.stringify(match)),
      );
  });

  it("EXTENSION_CONFIG ADD: a filter that takes its configuration by discovery", async () => {
    const discovered = {
      name: "my.discovered",
      config_discovery: {
        config_source: { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" },
        type_urls: [`${TYPE}.http.lua.v3.Lua`],
      },
    };
    const patches = [
      patch("EXTENSION_CONFIG", "ADD", lua("by ECDS", "my.discovered")),
      patch("HTTP_FILTER", "INSERT_BEFORE", discovered, OUTBOUND),
    ];
    await lab.during([filter(patches, CLIENT)], async () => assert.equal(await header(out()), "by ECDS"));
  });

  it("a patch that Envoy rejects is blamed, and hurts nothing else, not even at a proxy that starts with it", async () => {
    const wrong = filter([patch("HTTP_FILTER", "ADD", lua("late"), OUTBOUND)], CLIENT, { name: "wrong" });
    await lab.send([wrong]);
    const [nack] = await lab.reject([]);
    assert.deepEqual(nack?.configKeys, ["networking.istio.io/EnvoyFilter/default/wrong"]);
    assert.match((await out()).by, /^web/);
    await lab.remove([wrong]);
    await lab.during([filter([patch("HTTP_FILTER", "INSERT_FIRST", lua("good"), OUTBOUND)])], async () => {
      await lab.send([wrong]);
      await lab.reject([]);
      assert.equal(await header(out()), "good");
      await lab.remove([wrong]);
    });
  });
});
