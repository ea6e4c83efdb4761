import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createTestCa, freePorts, startEnvoy } from "@xebec/testing-launch";
import { createMixerPolicy, createMixerTelemetry } from "./mixer-service.ts";
import {
  objectsOf,
  pod,
  policyAdapters,
  service,
  startMixer,
  telemetryAdapters,
  testdata,
} from "./test-mesh.testkit.ts";

const RULES = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: denyall, namespace: default}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: Not allowed}}}
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: nothing, namespace: default}
spec: {}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny, namespace: default}
spec:
  match: >-
    destination.service.name == "reviews" && request.headers["x-block"] == "yes" && source.workload.name == "productpage-v1" &&
    source.principal == "cluster.local/ns/default/sa/productpage" && connection.mtls && request.query_params["a"] == "b" &&
    context.reporter.kind == "inbound" && destination.workload.name == "reviews-v1" && request.method == "GET"
  actions: [{handler: denyall, instances: [nothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: twice, namespace: default}
spec:
  match: request.headers["x-twice"] == "one,two"
  actions: [{handler: denyall, instances: [nothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: headers, namespace: default}
spec:
  requestHeaderOperations:
  - {name: x-caller, values: [source.workload.name]}
  responseHeaderOperations:
  - {name: x-by, values: ['"xebec"']}
`.replaceAll("[nothing]", "[nothing.checknothing]");

const SOURCE = "127.20.0.1";
const TARGET = "127.20.0.3";
const HOST = "reviews.default.svc.cluster.local";

const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
const type = (name: string) => `type.googleapis.com/${name}`;

function cluster(name: string, host: string, port: number, more: object = {}): object {
  const endpoint = { endpoint: { address: socket(host, port) } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
    ...more,
  };
}

const http2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

const TLS_INSPECTOR = {
  name: "tls_inspector",
  typed_config: { "@type": type("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector") },
};

const grpc = (name: string) => ({ envoy_grpc: { cluster_name: name } });

function accessLog(direction: string, tags: Record<string, string> = {}): object {
  return {
    name: "log",
    typed_config: {
      "@type": type("envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig"),
      common_config: {
        log_name: `xebec_http_${direction}`,
        transport_api_version: "V3",
        grpc_service: grpc("telemetry"),
        buffer_flush_interval: "0.05s",
        custom_tags: Object.entries(tags).map(([tag, value]) => ({ tag, value })),
      },
    },
  };
}

interface PeerRole {
  readonly app: string;
  readonly listener: object;
  readonly direction: "inbound" | "outbound";
  readonly to: string;
  readonly filters: object[];
  readonly route: object;
  readonly tags?: Record<string, string>;
  readonly downstreamTls?: object;
  readonly clusters: object[];
}

function bootstrap({ app, listener, direction, to, filters, route, tags, downstreamTls, clusters }: PeerRole) {
  const manager = {
    "@type": type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: direction,
    access_log: [accessLog(direction, tags)],
    http_filters: [
      ...filters,
      { name: "router", typed_config: { "@type": type("envoy.extensions.filters.http.router.v3.Router") } },
    ],
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: to }, ...route }] },
      ],
    },
  };
  const chain = {
    filters: [{ name: "hcm", typed_config: manager }],
    ...(downstreamTls ? { transport_socket: { name: "tls", typed_config: downstreamTls } } : {}),
  };
  return {
    node: {
      id: `sidecar~${direction === "inbound" ? TARGET : SOURCE}~${app}-v1-abc.default~default.svc.cluster.local`,
      cluster: app,
      metadata: { WORKLOAD_NAME: `${app}-v1`, NAMESPACE: "default", LABELS: { app, version: "v1" } },
    },
    static_resources: {
      listeners: [
        {
          name: direction,
          enable_reuse_port: false,
          address: listener,
          // Only this filter makes the server name known to logs and checks.
          listener_filters: downstreamTls ? [TLS_INSPECTOR] : [],
          filter_chains: [chain],
        },
      ],
      clusters,
    },
  };
}

test("a real Envoy asks before it lets a request in, and both sides report it", async () => {
  const workloads = [pod("productpage", "v1", SOURCE), pod("reviews", "v1", TARGET), service("reviews")];
  const { adapters, text, lines: written } = telemetryAdapters();
  const objects = [...testdata("prometheus.yaml"), ...testdata("accesslog.yaml")];
  await using open = new AsyncDisposableStack();
  const policy = await startMixer(createMixerPolicy, policyAdapters(), objectsOf(RULES), workloads);
  open.defer(() => policy.close());
  const telemetry = await startMixer(createMixerTelemetry, adapters, objects, workloads);
  open.defer(() => telemetry.close());
  const app = createServer((request, response) => response.end(`hello ${request.headers["x-caller"]}`));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  open.defer(() => new Promise((resolve) => app.close(() => resolve())));
  app.unref();
  const appPort = (app.address() as { port: number }).port;
  const [outPort = 0, inPort = 0] = await freePorts(2);

  const ca = createTestCa();
  const tls = (account: string) => {
    const { cert, key } = ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${account}`] });
    return {
      tls_certificates: [{ certificate_chain: { inline_string: cert }, private_key: { inline_string: key } }],
      validation_context: { trusted_ca: { inline_string: ca.cert } },
    };
  };
  const mixers = [
    cluster("policy", "127.0.0.1", policy.mixer.server.port, http2),
    cluster("telemetry", "127.0.0.1", telemetry.mixer.server.port, http2),
  ];
  const server = await startEnvoy({
    bootstrap: bootstrap({
      app: "reviews",
      direction: "inbound",
      listener: socket(TARGET, inPort),
      to: "inbound|80||",
      downstreamTls: {
        "@type": type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
        require_client_certificate: true,
        common_tls_context: tls("reviews"),
      },
      filters: [
        {
          name: "ext_authz",
          typed_config: {
            "@type": type("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
            transport_api_version: "V3",
            grpc_service: { ...grpc("policy"), timeout: "5s" },
            include_tls_session: true,
          },
        },
      ],
      route: {
        typed_per_filter_config: {
          ext_authz: {
            "@type": type("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"),
            check_settings: {
              context_extensions: {
                "context.reporter.kind": "inbound",
                "destination.service.host": HOST,
                "destination.service.name": "reviews",
                "destination.service.namespace": "default",
              },
            },
          },
        },
      },
      clusters: [...mixers, cluster("inbound|80||", "127.0.0.1", appPort)],
    }),
  });
  open.use(server);
  const client = await startEnvoy({
    bootstrap: bootstrap({
      app: "productpage",
      direction: "outbound",
      listener: socket("127.0.0.1", outPort),
      to: `outbound|80||${HOST}`,
      tags: {
        "source.principal.upstream": "%UPSTREAM_LOCAL_URI_SAN%",
        "destination.principal.upstream": "%UPSTREAM_PEER_URI_SAN%",
      },
      filters: [],
      route: {},
      clusters: [
        ...mixers,
        cluster(`outbound|80||${HOST}`, TARGET, inPort, {
          upstream_bind_config: { source_address: { address: SOURCE, port_value: 0 } },
          transport_socket: {
            name: "tls",
            typed_config: {
              "@type": type("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
              sni: `outbound_.80_._.${HOST}`,
              common_tls_context: tls("productpage"),
            },
          },
        }),
      ],
    }),
  });
  open.use(client);
  await Promise.all([server.ready(), client.ready()]);

  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${outPort}${path}`, { headers });
    return { status: response.status, by: response.headers.get("x-by"), body: await response.text() };
  };
  assert.deepEqual(await ask("/one?a=b"), { status: 200, by: "xebec", body: "hello productpage-v1" });
  assert.deepEqual(await ask("/two?a=b", { "x-block": "yes" }), {
    status: 403,
    by: null,
    body: "PERMISSION_DENIED:denyall.default:Not allowed",
  });
  assert.equal((await ask("/three?a=c", { "x-block": "yes" })).status, 200);

  const series = (): Record<string, string>[] =>
    [...text().matchAll(/^istio_requests_total\{(.*)\} (.*)$/gm)].map(([, labels = "", value = ""]) => ({
      ...Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, each]) => [key, each])),
      value,
    }));
  await waitFor("all four series", 10_000, () => series().length === 4 && written.length === 6);
  const same = {
    source_workload: "productpage-v1",
    source_workload_namespace: "default",
    source_principal: "cluster.local/ns/default/sa/productpage",
    source_app: "productpage",
    source_version: "v1",
    destination_workload: "reviews-v1",
    destination_workload_namespace: "default",
    destination_principal: "cluster.local/ns/default/sa/reviews",
    destination_app: "reviews",
    destination_version: "v1",
    destination_service: HOST,
    destination_service_name: "reviews",
    destination_service_namespace: "default",
    request_protocol: "http",
    permissive_response_code: "none",
    permissive_response_policyid: "none",
  };
  const inbound = { ...same, reporter: "destination", connection_security_policy: "mutual_tls" };
  const outbound = { ...same, reporter: "source", connection_security_policy: "unknown", response_flags: "-" };
  const order = (a: Record<string, string>, b: Record<string, string>): number =>
    `${a.reporter}${a.response_code}` < `${b.reporter}${b.response_code}` ? -1 : 1;
  assert.deepEqual(series().sort(order), [
    { ...inbound, response_code: "200", response_flags: "-", value: "2" },
    { ...inbound, response_code: "403", response_flags: "UAEX", value: "1" },
    { ...outbound, response_code: "200", value: "2" },
    { ...outbound, response_code: "403", value: "1" },
  ]);
  const lines = written.map((each) => JSON.parse(each) as Record<string, unknown>);
  const line = lines.find((each) => each.reporter === "destination" && each.responseCode === 403);
  assert.equal(line?.url, "/two?a=b");
  assert.equal(line?.method, "GET");
  assert.equal(line?.sourceIp, SOURCE);
  assert.equal(line?.destinationIp, TARGET);
  assert.equal(line?.requestedServerName, `outbound_.80_._.${HOST}`);

  // A header that was sent twice is one text with both values, as if it had been sent once: no value of it escapes a rule.
  const twice = (values: string[]): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const how = { host: "127.0.0.1", port: outPort, headers: { "x-twice": values }, agent: false };
      get(how, (response) => resolve(response.resume().statusCode)).on("error", reject);
    });
  assert.deepEqual([await twice(["one", "two"]), await twice(["two"]), await twice(["one"])], [403, 200, 200]);
});
