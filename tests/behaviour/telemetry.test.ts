import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { object, PROXIES } from "./lab/cases.ts";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { Receivers, type Span } from "./lab/receivers.ts";

const SYSTEM = { namespace: "istio-system" };
const COLLECTOR = "collector.istio-system.svc.cluster.local";
const PORTS = { "grpc-otlp": 4317, "http-spans": 9411 };

const collector: LabService = {
  ...{ name: "collector", namespace: "istio-system", address: "10.98.0.1", ports: PORTS },
  pods: [{ name: "collector", ip: "10.150.0.1" }],
};
const tcpHost = host("bytes", { ports: { tcp: 9000 } });

const grpc = { service: COLLECTOR, port: 4317 };
const http = { service: `istio-system/${COLLECTOR}`, port: 9411 };

let lab: Lab;
let receivers: Receivers;
const log = (name: string): string => lab.folder.file(`${name}.log`);

/** The providers of the mesh; all of them are there from the beginning. */
const providers = () => [
  {
    name: "otlp",
    opentelemetry: {
      ...grpc,
      maxTagLength: 64,
      grpc: { timeout: "3s", initialMetadata: [{ name: "x-key", value: "k" }] },
    },
  },
  {
    name: "otlp-http",
    opentelemetry: { ...http, http: { path: "/v1/traces", timeout: "3s", headers: [{ name: "x-key", value: "k" }] } },
  },
  { name: "Zipkin", zipkin: { ...http, maxTagLength: 32 } },
  {
    name: "zipkin-w3c",
    zipkin: {
      ...{
        ...http,
        path: "/own/spans",
        enable64bitTraceId: true,
        timeout: "3s",
        headers: [{ name: "x-key", value: "z" }],
      },
      traceContextOption: "USE_B3_WITH_W3C_PROPAGATION",
    },
  },
  { name: "datadog", datadog: { ...http, maxTagLength: 64 } },
  { name: "skywalking", skywalking: { ...grpc, accessToken: "secret" } },
  { name: "away", zipkin: { service: "nowhere.istio-system.svc.cluster.local", port: 9411 } },
  {
    name: "text",
    envoyFileAccessLog: {
      path: log("text"),
      logFormat: { text: "%REQ(X-CALL)% %RESPONSE_CODE% %REQ_WITHOUT_QUERY(:PATH)%" },
    },
  },
  {
    name: "json",
    envoyFileAccessLog: {
      path: log("json"),
      logFormat: { labels: { call: "%REQ(X-CALL)%", none: "%REQ(X-NONE)%", code: "%RESPONSE_CODE%" } },
      omitEmptyValues: true,
    },
  },
  { name: "usual", envoyFileAccessLog: { path: log("usual"), logFormat: { labels: {} } } },
  { name: "second", envoyFileAccessLog: { path: log("second"), logFormat: { text: "%REQ(X-CALL)%" } } },
  {
    name: "als",
    envoyHttpAls: {
      ...{ ...grpc, logName: "own_http", additionalRequestHeadersToLog: ["x-call"] },
      ...{ additionalResponseHeadersToLog: ["x-by"], additionalResponseTrailersToLog: ["grpc-status"] },
      filterStateObjectsToLog: ["none"],
    },
  },
  { name: "als-tcp", envoyTcpAls: { ...grpc, logName: "own_tcp", filterStateObjectsToLog: ["none"] } },
  {
    name: "otel-log",
    envoyOtelAls: {
      ...grpc,
      logName: "own_otel",
      logFormat: { text: "%REQ(X-CALL)%", labels: { code: "%RESPONSE_CODE%" } },
    },
  },
];

const mesh = (more: object = {}): object =>
  object("MeshConfig", "mesh", { extensionProviders: providers(), ...more }, SYSTEM);
const telemetry = (name: string, spec: object, metadata: object = {}): object =>
  object("Telemetry", name, spec, metadata);
const traced = (provider: string, more: object = {}): object =>
  telemetry(
    "trace",
    { tracing: [{ providers: [{ name: provider }], randomSamplingPercentage: 100, ...more }] },
    SYSTEM,
  );
const logged = (provider: string, more: object = {}): object =>
  telemetry("log", { accessLogging: [{ providers: [{ name: provider }], ...more }] }, SYSTEM);

let calls = 0;
const call = ({ more = "?secret=1", ...way }: Partial<HttpCall> & { more?: string } = {}): Promise<Answered> => {
  const url = `http://${way.to ? "own" : "web"}/trace-${++calls}${more}`;
  return lab.http({ url, ...(way.to ? {} : { through: "client" }), ...way });
};
/** The span of a call. */
const spanOf = (path: string, is: (span: Span) => boolean = () => true): Promise<Span> =>
  receivers.one(
    `a span of ${path}`,
    receivers.spans,
    (each) => (each.tags["http.url"] ?? "").includes(path) && is(each),
  );
const path = (): string => `/trace-${calls}?`;

async function line(file: string, has: string): Promise<string> {
  const lines = (): string[] => (existsSync(log(file)) ? readFileSync(log(file), "utf8").split("\n") : []);
  await waitFor(`a line with ${has} in ${file}`, 10_000, () => lines().some((each) => each.includes(has)), 10);
  return lines().find((each) => each.includes(has)) as string;
}
const isIn = (file: string, has: string): boolean =>
  existsSync(log(file)) && readFileSync(log(file), "utf8").includes(has);

describe("Telemetry and the providers of the mesh", () => {
  before(async () => {
    lab = await openLab({
      proxies: {
        client: PROXIES.client as never,
        gateway: {
          ...(PROXIES.gateway as { kind: "gateway"; ip: string }),
          labels: { istio: "ingressgateway", "gateway.networking.k8s.io/gateway-name": "edge" },
        },
        server: {
          ...{ kind: "captured", ip: "10.1.0.30", metadata: { MESH_ID: "mesh1", CLUSTER_ID: "east" } },
          labels: { app: "own", "service.istio.io/canonical-name": "shop" },
        },
      },
      services: [
        host("web"),
        tcpHost,
        collector,
        { ...host("own"), pods: [{ name: "own-v1", ip: "10.1.0.30", sidecar: true }] },
      ],
      upstreams: [{ name: "own", at: "10.1.0.30:80" }],
      flags: ["--file-flush-interval-msec", "10"],
    });
    receivers = new Receivers();
    await receivers.grpc(lab.folder.file("grpc.sock"));
    await receivers.http(lab.folder.file("http.sock"));
    await lab.serve({ name: "grpc", at: "10.150.0.1:4317", relay: lab.folder.file("grpc.sock") });
    await lab.serve({ name: "http", at: "10.150.0.1:9411", relay: lab.folder.file("http.sock") });
    await lab.apply([mesh()]);
  });
  after(async () => {
    await lab?.close();
    await receivers?.close();
  });

  it("without an object nothing is traced or logged", async () => {
    const { got } = await call();
    assert.equal(got?.headers.traceparent, undefined);
    assert.equal(got?.headers["x-b3-traceid"], undefined);
    for (const envoy of lab.envoys.values())
      assert.doesNotMatch(await envoy.admin("/config_dump?resource=dynamic_listeners"), /tracers/);
  });

  it("OpenTelemetry by gRPC: spans with the provider's and the object's tags, and W3C's header", () =>
    lab.during(
      [
        traced("OTLP", {
          customTags: {
            fixed: { literal: { value: "x" } },
            home: { environment: { name: "NO_SUCH_VARIABLE", defaultValue: "h" } },
            agent: { header: { name: "x-agent", defaultValue: "none" } },
            form: { formatter: { value: "%REQ(X-AGENT)%/%PROTOCOL%" } },
          },
        }),
      ],
      async () => {
        const { got } = await call({ headers: { "x-agent": "test" } });
        const span = await spanOf(path());
        assert.equal(span.via, "otlp");
        assert.equal(span.service, "test");
        const { fixed, home, agent, form } = span.tags;
        assert.deepEqual({ fixed, home, agent, form }, { fixed: "x", home: "h", agent: "test", form: "test/HTTP/1.1" });
        assert.equal(got?.headers.traceparent?.split("-")[1], span.traceId);
        assert.match(got?.headers["x-request-id"] ?? "", /^[0-9a-f-]{36}$/);
        assert.equal(span.tags["istio.canonical_service"], "unknown");
        await call({ to: "server" });
        const { tags } = await spanOf(path());
        assert.deepEqual(
          ["canonical_service", "canonical_revision", "mesh_id", "cluster_id", "namespace"].map(
            (each) => tags[`istio.${each}`],
          ),
          ["shop", "latest", "mesh1", "east", "default"],
        );
      },
    ));

  it("OpenTelemetry by HTTP: its path and headers", () =>
    lab.during([traced("otlp-http", { enableIstioTags: false })], async () => {
      await call();
      const span = await spanOf(path());
      assert.equal(span.via, "otlp/http");
      assert.equal(span.tags["istio.mesh_id"], undefined);
      const { path: at, headers } = await receivers.one(
        "a request",
        receivers.requests,
        (each) => each.path === "/v1/traces",
      );
      assert.deepEqual([at, headers["x-key"]], ["/v1/traces", "k"]);
    }));

  it("Zipkin: spans in JSON, B3's headers, the path cut off after maxTagLength", () =>
    lab.during([traced("zipkin")], async () => {
      const { got } = await call({ more: `/${"x".repeat(64)}` });
      const span = await spanOf(`/trace-${calls}/`);
      assert.equal(span.via, "zipkin");
      assert.ok((span.tags["http.url"] as string).endsWith(`/trace-${calls}/${"x".repeat(64)}`.slice(0, 32)));
      assert.equal(got?.headers["x-b3-traceid"], span.traceId);
      assert.equal(span.traceId.length, 32);
      assert.equal(got?.headers.traceparent, undefined);
      assert.ok(receivers.requests.some((each) => each.path === "/api/v2/spans"));
    }));

  it("Zipkin: its own path and headers, ids of 64 bits, W3C's header beside B3's", () =>
    lab.during([traced("zipkin-w3c")], async () => {
      const { got } = await call();
      const span = await spanOf(path());
      assert.equal(span.traceId.length, 16);
      assert.ok(got?.headers["x-b3-traceid"] && got.headers.traceparent);
      const { headers } = await receivers.one("a request", receivers.requests, (each) => each.path === "/own/spans");
      assert.equal(headers["x-key"], "z");
    }));

  it("Datadog and SkyWalking", async () => {
    await lab.during([traced("datadog")], async () => {
      await call();
      await receivers.one(
        "traces for the agent",
        receivers.requests,
        ({ path: at, bytes }) => at === "/v0.4/traces" && bytes.includes(path()),
      );
    });
    await lab.during([traced("skywalking")], async () => {
      await call();
      await receivers.one("a segment", receivers.segments, (each) => each.includes(path()) && each.includes("test"));
    });
  });

  it("randomSamplingPercentage 0 traces nothing, and says so to the server", () =>
    lab.during([traced("zipkin", { randomSamplingPercentage: 0 })], async () => {
      const first = await call();
      assert.equal(first.got?.headers["x-b3-sampled"], "0");
      const unsampled = path();
      await lab.during([traced("zipkin")], async () => {
        assert.equal((await call()).got?.headers["x-b3-sampled"], "1");
        await spanOf(path());
      });
      assert.ok(!receivers.spans.some(({ tags }) => (tags["http.url"] ?? "").includes(unsampled)));
    }));

  it("match.mode: clients or servers; disableSpanReporting of a workload goes before the mesh's", async () => {
    await lab.during([traced("zipkin", { match: { mode: "SERVER" } })], async () => {
      const { got } = await call();
      assert.equal(got?.headers["x-b3-traceid"], undefined);
      const served = await call({ to: "server" });
      assert.ok(served.got?.headers["x-b3-traceid"]);
    });
    const off = telemetry("off", {
      selector: { matchLabels: { app: "client" } },
      tracing: [{ disableSpanReporting: true }],
    });
    await lab.during([traced("zipkin"), off], async () => {
      assert.equal((await call()).got?.headers["x-b3-traceid"], undefined);
      assert.ok((await call({ to: "server" })).got?.headers["x-b3-traceid"]);
    });
  });

  it("useRequestIdForTraceSampling: false leaves the decision to the tracer, which takes every request", async () => {
    const none = { randomSamplingPercentage: 0 };
    const sampled = async () => (await call()).got?.headers["x-b3-sampled"];
    await lab.during([traced("zipkin", none)], async () => assert.equal(await sampled(), "0"));
    const alone = { ...none, useRequestIdForTraceSampling: false };
    await lab.during([traced("zipkin", alone)], async () => assert.equal(await sampled(), "1"));
  });

  it("disableContextPropagation: the server gets no header of the trace", () =>
    lab.during([traced("otlp", { disableContextPropagation: true })], async () => {
      const { got } = await call();
      await spanOf(path());
      assert.equal(got?.headers.traceparent, undefined);
    }));

  it("a provider whose service nobody knows is left out, and everything goes on", () =>
    lab.during([traced("away")], async () => {
      assert.equal((await call()).status, 200);
    }));

  it("defaultProviders.tracing and .accessLogging hold without an object", async () => {
    await lab.during([], async () => {
      await lab.apply([
        mesh({
          defaultProviders: { tracing: ["zipkin"], accessLogging: ["text"] },
          defaultConfig: { tracing: { sampling: 100 } },
        }),
      ]);
      await call();
      await spanOf(path());
      await line("text", `/trace-${calls}`);
      await lab.apply([mesh()]);
    });
  });

  it("a file: text with commands, without the query", () =>
    lab.during([logged("text")], async () => {
      const { call: id } = await call();
      assert.equal(await line("text", id), `${id} 200 /trace-${calls}`);
    }));

  it("a file: JSON with labels, empty ones left out; {} are the usual fields", async () => {
    await lab.during([logged("json")], async () => {
      const { call: id } = await call();
      assert.deepEqual(JSON.parse(await line("json", id)), { call: id, code: 200 });
    });
    await lab.during([logged("usual")], async () => {
      await call();
      const found = JSON.parse(await line("usual", path())) as Record<string, unknown>;
      assert.equal(found.upstream_cluster, "outbound|80||web.default.svc.cluster.local");
      assert.equal(Object.keys(found).length, 24);
    });
  });

  it("filter.expression: what is logged", () =>
    lab.during([logged("text", { filter: { expression: "response.code >= 400" } })], async () => {
      const good = await call();
      const bad = await call({ do: "404" });
      await line("text", bad.call);
      assert.ok(!isIn("text", good.call));
    }));

  it("disabled, match.mode, and levels: the workload's goes before the namespace's and the mesh's", async () => {
    const own = telemetry("own", {
      selector: { matchLabels: { app: "client" } },
      accessLogging: [{ disabled: true }],
    });
    await lab.during([logged("text"), own], async () => {
      const quiet = await call();
      const loud = await call({ to: "server" });
      await line("text", loud.call);
      assert.ok(!isIn("text", quiet.call));
    });
    await lab.during([logged("text", { match: { mode: "SERVER" } })], async () => {
      const quiet = await call();
      const loud = await call({ to: "server" });
      await line("text", loud.call);
      assert.ok(!isIn("text", quiet.call));
    });
    const namespace = telemetry("ns", { accessLogging: [{ providers: [{ name: "second" }] }] });
    await lab.during([logged("text"), namespace], async () => {
      const { call: id } = await call();
      await line("second", id);
      assert.ok(!isIn("text", id));
    });
  });

  it("targetRefs: proxies of a Gateway of the Gateway API", async () => {
    const refs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
    await lab.during(
      [
        telemetry("edge", { targetRefs: refs, accessLogging: [{ providers: [{ name: "text" }] }] }),
        object("Gateway", "edge", {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["edge.example.com"] }],
        }),
        object("VirtualService", "edge", {
          ...{ hosts: ["edge.example.com"], gateways: ["edge"] },
          http: [{ route: [{ destination: { host: "web" } }] }],
        }),
      ],
      async () => {
        const { call: id } = await call();
        const edge = await lab.http({ to: "gateway", url: "http://edge.example.com/trace-edge" });
        assert.equal(edge.status, 200);
        await line("text", edge.call);
        assert.ok(!isIn("text", id));
      },
    );
  });

  it("access log service for HTTP: its name and headers", () =>
    lab.during([logged("als")], async () => {
      const { call: id } = await call();
      const { logName, http: entry } = await receivers.one(
        "an entry",
        receivers.entries,
        (each) => each.http?.request?.requestHeaders["x-call"] === id,
      );
      assert.equal(logName, "own_http");
      assert.equal(entry?.response?.responseCode, 200);
      assert.match(entry?.response?.responseHeaders["x-by"] ?? "", /^web-/);
    }));

  it("access log service for TCP", () =>
    lab.during([logged("als-tcp")], async () => {
      await lab.tcp({ through: "client", host: "bytes", port: 9000 });
      const { logName, tcp } = await receivers.one("an entry", receivers.entries, (each) => each.tcp !== undefined);
      assert.equal(logName, "own_tcp");
      assert.equal(tcp?.commonProperties?.upstreamCluster, "outbound|9000||bytes.default.svc.cluster.local");
    }));

  it("OpenTelemetry logs: the text is the body, labels are attributes", () =>
    lab.during([logged("otel-log")], async () => {
      const { call: id } = await call();
      const { attributes } = await receivers.one("a record", receivers.records, ({ body }) => body.trim() === id);
      assert.deepEqual(attributes, { code: "200" });
    }));
});
