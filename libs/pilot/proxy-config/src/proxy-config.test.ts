import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadWholeApi } from "@xebec/api-envoy";
import { listener, TEXT } from "./fixture.testkit.ts";
import {
  differences,
  identityOf,
  protoJson,
  readConfigDump,
  rootsOf,
  showClusters,
  showEds,
  showEndpoints,
  showExtensions,
  showListeners,
  showRoutes,
  showSecrets,
} from "./index.ts";

const dump = readConfigDump(TEXT);

describe("tables of proxy-config", () => {
  it("clusters by host, with parts of their names and the DestinationRule behind them", () => {
    assert.deepEqual(showClusters(dump).rows, [
      ["", "8080", "-", "inbound", "ORIGINAL_DST", ""],
      ["agent", "-", "-", "-", "STATIC", ""],
      ["web.default.svc.cluster.local", "80", "-", "outbound", "EDS", ""],
      ["web.default.svc.cluster.local", "80", "v1", "outbound", "EDS", "web.default"],
    ]);
  });

  it("clusters are chosen by host, port, subset and direction", () => {
    const names = (filter: object): unknown[] =>
      showClusters(dump, filter).rows.map(([host, , subset]) => [host, subset]);
    const web = "web.default.svc.cluster.local";
    assert.deepEqual(names({ fqdn: "web" }), [
      [web, "-"],
      [web, "v1"],
    ]);
    assert.deepEqual(names({ subset: "v1" }), [[web, "v1"]]);
    assert.deepEqual(names({ port: 8080 }), [["", "-"]]);
    assert.deepEqual(names({ direction: "inbound" }), [["", "-"]]);
  });

  it("a line for each filter chain, with what it matches and where it leads", () => {
    assert.deepEqual(showListeners(dump).rows, [
      ["0.0.0.0", "15001", "Trans: raw_buffer; App: HTTP", "Route: 80"],
      ["0.0.0.0", "15001", "ALL", "Inline Route: /*, /x"],
      [
        "0.0.0.0",
        "15001",
        "SNI: a.example.com,b.example.com; Trans: tls; Addr: 10.0.0.1/32",
        "Cluster: outbound|443||a,outbound|443||b",
      ],
      ["0.0.0.0", "15001", "Addr: *:15001", "BlackHoleCluster"],
    ]);
  });

  it("a table whose one route takes every request is its cluster", () => {
    const to = (domains: string[], ...routes: object[]): string | undefined => {
      const http = {
        name: "hcm",
        typed_config: {
          "@type":
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
          route_config: { virtual_hosts: [{ domains, routes }] },
        },
      };
      return showListeners({ ...dump, listeners: [{ filter_chains: [{ filters: [http] }] }] }).rows[0]?.[3];
    };
    const all = { match: { prefix: "/" }, route: { cluster: "inbound|8080||" } };
    assert.equal(to(["*"], all), "Cluster: inbound|8080||");
    assert.equal(to(["*"], { ...all, route: { cluster: "PassthroughCluster" } }), "PassthroughCluster");
    assert.equal(to(["*"], all, { match: { path: "/x" } }), "Inline Route: /*, /x");
    assert.equal(to(["a.example.com", "b.example.com"], all), "Inline Route: a.example.com/b.example.com /*");
  });

  it("the type of a listener counts what it does with connections that it knows", () => {
    assert.deepEqual(showListeners(dump, { verbose: false }).rows, [["0.0.0.0", "15001", "HTTP+TCP"]]);
    assert.equal(showListeners(dump, { type: "tcp" }).rows.length, 0);
    assert.deepEqual(showListeners(dump, { port: 15_001 }).resources, [listener]);
  });

  it("routes without what passes through, with domains that say something", () => {
    assert.deepEqual(showRoutes(dump).rows, [
      [
        "80",
        "web.default.svc.cluster.local:80",
        "web, web.default + 1 more...",
        "PathPrefix:/api end-user=jason",
        "web.default",
      ],
      ["", "backend", "*", "/*", "404"],
    ]);
    assert.deepEqual(showRoutes(dump, { verbose: false, name: "80" }).rows, [["80", "2"]]);
  });

  it("endpoints as they were sent", () => {
    const cluster = "outbound|80||web.default.svc.cluster.local";
    assert.deepEqual(showEds(dump).rows, [
      ["10.1.0.2:8080", "HEALTHY", "r1/z1", cluster],
      ["unix:///tmp/s", "DRAINING", "r1/z1", cluster],
    ]);
    assert.equal(showEds(dump, { status: "draining" }).rows.length, 1);
  });

  it("endpoints as Envoy sees them", () => {
    const host = (port_value: number, health_status: object) => ({
      address: { socket_address: { address: "10.1.0.2", port_value } },
      health_status,
    });
    const statuses = [
      host(9090, { eds_health_status: "HEALTHY", failed_outlier_check: true }),
      host(8080, { eds_health_status: "HEALTHY" }),
    ];
    assert.deepEqual(showEndpoints({ cluster_statuses: [{ name: "c", host_statuses: statuses }] }).rows, [
      ["10.1.0.2:8080", "HEALTHY", "OK", "c"],
      ["10.1.0.2:9090", "HEALTHY", "FAILED", "c"],
    ]);
  });

  it("extension configurations of HTTP and network filters", () => {
    assert.deepEqual(showExtensions(dump).rows, [
      ["a", "envoy.x.HttpFilter"],
      ["b", "envoy.x.NetworkFilter"],
    ]);
  });

  it("a secret that is not there yet is not a valid certificate", () => {
    const secrets = [{ name: "default", status: "WARMING" as const, secret: undefined }];
    assert.deepEqual(showSecrets({ ...dump, secrets }, 0).rows, [["default", "", "WARMING", "false", "", "", ""]]);
    assert.equal(rootsOf({ ...dump, secrets }), "");
  });

  it("what cannot be read as a certificate is not a valid one", () => {
    const inline_string = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    const secret = { tls_certificate: { certificate_chain: { inline_string } } };
    const secrets = [{ name: "default", status: "ACTIVE" as const, secret }];
    assert.equal(showSecrets({ ...dump, secrets }, 0).rows[0]?.[3], "false");
    assert.equal(identityOf({ ...dump, secrets }), "");
  });

  it("what is not a dump is refused, with what to take", () => {
    assert.throws(() => readConfigDump("{}"), /not a configuration dump of Envoy.*include_eds/);
    assert.throws(() => readConfigDump("no"), /not JSON/);
  });
});

describe("JSON as istioctl prints it", async () => {
  const registry = await loadWholeApi();

  it("has the field names of protobuf's JSON, within any message, and leaves keys of maps and metadata alone", () => {
    const cluster = {
      name: "c",
      lb_policy: "MAGLEV",
      load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: [{ health_status: "HEALTHY" }] }] },
      metadata: { filter_metadata: { some_filter: { some_key: { deep_key: 1 } } } },
      typed_extension_protocol_options: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          common_http_protocol_options: { idle_timeout: "3s" },
        },
      },
      field_of_tomorrow: { inner_field: 1 },
    };
    assert.deepEqual(protoJson(cluster, "envoy.config.cluster.v3.Cluster", registry), {
      name: "c",
      lbPolicy: "MAGLEV",
      loadAssignment: { clusterName: "c", endpoints: [{ lbEndpoints: [{ healthStatus: "HEALTHY" }] }] },
      metadata: { filterMetadata: { some_filter: { some_key: { deep_key: 1 } } } },
      typedExtensionProtocolOptions: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          commonHttpProtocolOptions: { idleTimeout: "3s" },
        },
      },
      fieldOfTomorrow: { inner_field: 1 },
    });
  });

  it("leaves a message of a type that it does not know as it is", () => {
    const any = { "@type": "type.googleapis.com/x.Unknown", some_field: 1 };
    assert.deepEqual(protoJson({ typed_config: any }, "envoy.config.core.v3.TypedExtensionConfig", registry), {
      typedConfig: any,
    });
    assert.deepEqual(protoJson(any, "x.Unknown", registry), any);
  });

  it("of chosen endpoints is that of their clusters", () => {
    const host = (port_value: number) => ({ address: { socket_address: { address: "10.1.0.2", port_value } } });
    const a = { name: "a", host_statuses: [host(1), host(2)] };
    const clusters = { cluster_statuses: [a, { name: "b", host_statuses: [host(3)] }] };
    assert.deepEqual(showEndpoints(clusters, { port: 1 }).resources, [a]);
    assert.equal(showEds(dump, { status: "draining" }).resources.length, 1);
    assert.match(JSON.stringify(showEds(dump, { status: "draining" }).resources), /^(?!.*HEALTHY).*DRAINING/);
  });
});

describe("what pilot has sent and what Envoy has", () => {
  const envoy = readConfigDump(TEXT, "dynamic");
  const without = (field: "clusters" | "routes") => ({ ...envoy, [field]: envoy[field].slice(1) });

  it("are the same whatever the order of fields", () => {
    const reversed = JSON.parse(TEXT, (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as object;
    assert.deepEqual(differences(readConfigDump(JSON.stringify(reversed), "dynamic"), envoy), []);
  });

  it("differ by resources that one of them lacks, and by changed ones", () => {
    const names = (found: ReturnType<typeof differences>): unknown[] =>
      found.map((each) => [each.type, each.name, each.pilot !== undefined, each.envoy !== undefined]);
    assert.deepEqual(names(differences(envoy, without("routes"))), [["Routes", "80", true, false]]);
    assert.deepEqual(names(differences(without("clusters"), envoy)), [
      ["Clusters", "outbound|80|v1|web.default.svc.cluster.local", false, true],
    ]);
    const changed = { ...envoy, listeners: [{ ...listener, address: {} }] };
    assert.deepEqual(names(differences(changed, envoy)), [["Listeners", "virtualOutbound", true, true]]);
  });

  it("are equal where Envoy redacts a value", () => {
    const redacted = readConfigDump(
      TEXT.replace('"Passthrough', '"[redacted]","x":"').replace('"x":"Cluster"', '"x":"y"'),
      "dynamic",
    );
    assert.notEqual(differences(envoy, redacted).length, 0);
    const shown = readConfigDump(TEXT.replace('"PassthroughCluster"', '"[redacted]"'), "dynamic");
    assert.deepEqual(differences(envoy, shown), []);
  });
});
