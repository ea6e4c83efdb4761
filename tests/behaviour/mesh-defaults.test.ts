// Fields of the mesh configuration that hold where no object says otherwise: paths, metrics, and providers of OpenTelemetry.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { object, PROXIES } from "./lab/cases.ts";
import { type Answered, type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { Receivers } from "./lab/receivers.ts";

const SYSTEM = { namespace: "istio-system" };
const TELEMETRY = "telemetry.istio-system.svc.cluster.local";
const receiver = (name: string, address: string, ip: string, ports: Record<string, number>) => ({
  ...{ name, namespace: "istio-system", address, ports },
  pods: [{ name, ip }],
});
const mesh = (spec: object): object => object("MeshConfig", "mesh", spec, SYSTEM);
const traced = object(
  "Telemetry",
  "trace",
  { tracing: [{ providers: [{ name: "otel" }], randomSamplingPercentage: 100 }] },
  SYSTEM,
);

describe("what the mesh configuration says for all", () => {
  let lab: Lab;
  let receivers: Receivers;
  let calls = 0;
  const call = (more: Partial<HttpCall> = {}): Promise<Answered> =>
    lab.http({ url: `http://web/mesh-${++calls}`, through: "client", ...more });
  const inbound = async (path: string): Promise<string> => {
    const { got } = await lab.http({ url: "http://own/", to: "server", path });
    return got?.path ?? "";
  };
  before(async () => {
    // What the environment says of the proxy.
    process.env.OTEL_RESOURCE_ATTRIBUTES = "team=lab";
    lab = await openLab({
      proxies: {
        client: PROXIES.client as never,
        server: { kind: "captured", ip: "10.1.0.30", labels: { app: "own" } },
      },
      services: [
        host("web"),
        { ...host("own"), pods: [{ name: "own-v1", ip: "10.1.0.30", sidecar: true }] },
        receiver("telemetry", "10.98.0.1", "10.150.0.1", { "grpc-otlp": 4317, "http-spans": 9411 }),
        receiver("istio-telemetry", "10.98.0.2", "10.150.0.3", { "grpc-mixer": 9091 }),
      ],
      upstreams: [{ name: "own", at: "10.1.0.30:80" }],
    });
    delete process.env.OTEL_RESOURCE_ATTRIBUTES;
    receivers = new Receivers();
    await receivers.grpc(lab.folder.file("grpc.sock"));
    await receivers.http(lab.folder.file("http.sock"));
    for (const at of ["10.150.0.1:4317", "10.150.0.3:9091"])
      await lab.serve({ name: at, at, relay: lab.folder.file("grpc.sock") });
    await lab.serve({ name: "http", at: "10.150.0.1:9411", relay: lab.folder.file("http.sock") });
  });
  after(async () => {
    await lab?.close();
    await receivers?.close();
  });

  it("pathNormalization: what of a path is changed before anything compares it", async () => {
    const path = "/x/../y//z%2fw";
    const usual = "/y//z%2fw";
    assert.equal(await inbound(path), usual);
    for (const [normalization, expected] of [
      ["NONE", path],
      ["BASE", usual],
      ["MERGE_SLASHES", "/y/z%2fw"],
      ["DECODE_AND_MERGE_SLASHES", "/y/z/w"],
    ] as const)
      await lab.during([mesh({ pathNormalization: { normalization } })], async () =>
        assert.equal(await inbound(path), expected, normalization),
      );
  });

  it("a provider of Prometheus' metrics, named by an object or by defaultProviders.metrics", async () => {
    const reported = async (): Promise<boolean> => {
      const { status } = await call();
      assert.equal(status, 200);
      const path = `/mesh-${calls}`;
      return receivers.one("a report", receivers.entries, ({ http }) => http?.request?.path === path).then(() => true);
    };
    const extensionProviders = [{ name: "own-metrics", prometheus: {} }];
    const named = object("Telemetry", "m", { metrics: [{ providers: [{ name: "own-metrics" }] }] }, SYSTEM);
    const unnamed = object("Telemetry", "m", { metrics: [{ overrides: [{ disabled: false }] }] }, SYSTEM);
    await lab.during([mesh({ extensionProviders }), named], async () => assert.ok(await reported()));
    await lab.during(
      [mesh({ extensionProviders, defaultProviders: { metrics: ["own-metrics"] } }), unnamed],
      async () => assert.ok(await reported()),
    );
  });

  it("OpenTelemetry's resource detectors: the environment, and Dynatrace's file", async () => {
    // The file that OneAgent leaves says where the other one is.
    writeFileSync(lab.folder.file("dt_metadata_e617c525669e072eebe3d0f08212e8f2.properties"), lab.folder.file("dt"));
    writeFileSync(lab.folder.file("dt"), "dt.entity.host=HOST-1\n");
    const resourceDetectors = { environment: {}, dynatrace: {} };
    const opentelemetry = { service: TELEMETRY, port: 4317, resourceDetectors };
    await lab.during([mesh({ extensionProviders: [{ name: "otel", opentelemetry }] }), traced], async () => {
      await call();
      const span = await receivers.one("a span", receivers.spans, ({ tags }) =>
        (tags["http.url"] ?? "").endsWith(`/mesh-${calls}`),
      );
      assert.deepEqual([span.resource.team, span.resource["dt.entity.host"]], ["lab", "HOST-1"]);
    });
  });

  it("OpenTelemetry with Dynatrace's sampler: it is asked for, and its mark goes on to the server", async () => {
    const sampling = { path: "/own/sampling", timeout: "2s", headers: [{ name: "x-key", value: "s" }] };
    const httpService = { service: TELEMETRY, port: 9411, http: sampling };
    const opentelemetry = {
      ...{ service: TELEMETRY, port: 9411, http: { path: "/v1/traces", timeout: "2s" } },
      dynatraceSampler: { tenant: "abc12345", clusterId: 7, rootSpansPerMinute: 100, httpService },
    };
    await lab.during([mesh({ extensionProviders: [{ name: "otel", opentelemetry }] }), traced], async () => {
      const { got } = await call();
      assert.match(got?.headers.tracestate ?? "", /^[0-9a-f]+-7@dt=fw4;/);
      const { headers } = await receivers.one("a question", receivers.requests, ({ path }) => path === "/own/sampling");
      assert.equal(headers["x-key"], "s");
    });
  });
});
