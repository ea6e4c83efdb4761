import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { object, PROXIES } from "./lab/cases.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { Receivers } from "./lab/receivers.ts";

const SYSTEM = { namespace: "istio-system" };

let lab: Lab;
let receivers: Receivers;
const metrics = (name: string, spec: object, metadata: object = SYSTEM): object =>
  object("Telemetry", name, { metrics: [spec] }, metadata);
const prometheus = [{ name: "prometheus" }];
const through = async (to?: string) => {
  const url = `http://${to ? "own" : "web"}/${Math.random()}`;
  return { url, ...(await lab.http({ url, ...(to ? { to } : { through: "client" }) })) };
};
/** What the telemetry service gets of a call. */
async function reportOf({ url }: { url: string }) {
  const { pathname } = new URL(url);
  const { logName, http } = await receivers.one(
    "a report",
    receivers.entries,
    (each) => each.http?.request?.path === pathname,
  );
  const said = http?.commonProperties?.metadata?.filterMetadata["istio.metrics"] as JsonObject | undefined;
  const read = (mode: string): unknown => JSON.parse(String(said?.[mode] ?? "null"));
  return { logName, client: read("CLIENT"), server: read("SERVER"), tags: http?.commonProperties?.customTags ?? {} };
}

describe("metrics of Telemetry: what the telemetry service is told", () => {
  before(async () => {
    lab = await openLab({
      proxies: {
        client: PROXIES.client as never,
        server: { kind: "captured", ip: "10.1.0.30", labels: { app: "own" } },
      },
      services: [
        host("web"),
        host("bytes", { ports: { tcp: 9000 } }),
        { ...host("own"), pods: [{ name: "own-v1", ip: "10.1.0.30", sidecar: true }] },
        {
          ...{
            name: "istio-telemetry",
            namespace: "istio-system",
            address: "10.98.0.2",
            ports: { "grpc-mixer": 9091 },
          },
          pods: [{ name: "telemetry", ip: "10.150.0.3" }],
        },
      ],
      upstreams: [{ name: "own", at: "10.1.0.30:80" }],
    });
    receivers = new Receivers();
    await receivers.grpc(lab.folder.file("grpc.sock"));
    await lab.serve({ name: "telemetry", at: "10.150.0.3:9091", relay: lab.folder.file("grpc.sock") });
  });
  after(async () => {
    await lab?.close();
    await receivers?.close();
  });

  it("providers: a report of each request, from both sides; nothing without an object", async () => {
    const before = await through();
    await lab.during([metrics("mesh", { providers: prometheus })], async () => {
      const report = await reportOf(await through());
      assert.deepEqual([report.logName, report.client, report.server], ["xebec_http_outbound", {}, {}]);
      assert.equal((await reportOf(await through("server"))).logName, "xebec_http_inbound");
      await lab.tcp({ through: "client", host: "bytes", port: 9000 });
      const { logName, tcp } = await receivers.one("a connection", receivers.entries, (each) => each.tcp !== undefined);
      assert.deepEqual([logName, tcp?.commonProperties?.customTags["istio.metrics"]], ["xebec_tcp_outbound", "{}"]);
    });
    assert.ok(!receivers.entries.some(({ http }) => http?.request?.path === new URL(before.url).pathname));
  });

  it("overrides: disabled, removed and new labels, by metric and mode", () =>
    lab.during(
      [
        metrics("mesh", {
          providers: prometheus,
          overrides: [
            { match: { metric: "REQUEST_SIZE", mode: "SERVER" }, disabled: true },
            {
              match: { metric: "REQUEST_COUNT" },
              tagOverrides: {
                source_app: { operation: "REMOVE" },
                request_host: { value: "request.host" },
                port: { value: "string(destination.port)" },
              },
            },
          ],
        }),
      ],
      async () => {
        const { client, server, tags } = await reportOf(await through());
        const count = { r: ["source_app"], u: { port: 0, request_host: 1 } };
        assert.deepEqual(client, { REQUEST_COUNT: count });
        assert.deepEqual(server, { REQUEST_COUNT: count, REQUEST_SIZE: { d: 1 } });
        assert.deepEqual([tags["istio.label.0"], tags["istio.label.1"]], ["80", "web"]);
      },
    ));

  it("levels: a workload's overrides come after the mesh's", () =>
    lab.during(
      [
        metrics("mesh", { providers: prometheus, overrides: [{ match: { metric: "REQUEST_COUNT" }, disabled: true }] }),
        object("Telemetry", "own", {
          selector: { matchLabels: { app: "client" } },
          metrics: [{ overrides: [{ match: { metric: "REQUEST_COUNT" }, disabled: false }] }],
        }),
      ],
      async () => {
        assert.deepEqual((await reportOf(await through())).client, { REQUEST_COUNT: {} });
        assert.deepEqual((await reportOf(await through("server"))).server, { REQUEST_COUNT: { d: 1 } });
      },
    ));

  it("defaultProviders.metrics holds without an object", () =>
    lab.during([object("MeshConfig", "mesh", { defaultProviders: { metrics: ["prometheus"] } }, SYSTEM)], async () => {
      assert.deepEqual((await reportOf(await through())).client, {});
    }));
});
