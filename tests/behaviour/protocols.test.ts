// Which protocol a connection speaks, and what becomes of it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { object, PROXIES } from "./lab/cases.ts";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";

const entry = (name: string, spec: object): object => object("ServiceEntry", name, { hosts: [name], ...spec });
const tcpEntry = (name: string, number: number, address: string): object =>
  entry(name, {
    ports: [{ number, name: "tcp", protocol: "TCP" }],
    resolution: "STATIC",
    endpoints: [{ address }],
  });

const web = host("web");
const web2 = host("web2", { ports: { http2: 80 } });
const shared = host("shared", { ports: { http: 8085 } });
const mysql = host("mysql", { ports: { http: 3306 } });
/** Behind the proxies `client` and `old`, each with its app at its own address; nobody listens at 8001. */
const app: LabService = {
  ...{ name: "app", address: "10.96.0.7", ports: { http: 8000, "http-gone": 8001, "grpc-gone": 8002 } },
  pods: [
    { name: "client", ip: "10.1.0.9", sidecar: true },
    { name: "old", ip: "10.1.0.13", sidecar: true },
  ],
};
const five: LabService = {
  ...{ name: "five", address: "10.96.0.8", ports: { http: 80 } },
  pods: [1, 2, 3, 4, 5].map((i) => ({ name: `five-${i}`, ip: `10.54.0.${i}` })),
};

describe("protocols", () => {
  let lab: Lab;
  before(async () => {
    const labels = { app: "app" };
    lab = await openLab({
      proxies: {
        ...PROXIES,
        client: { kind: "captured", ip: "10.1.0.9", labels },
        old: { kind: "captured", ip: "10.1.0.13", labels, metadata: { HTTP10: "1" } },
        prod: { kind: "captured", ip: "10.1.0.14", namespace: "prod" },
      },
      services: [web, web2, shared, mysql, app, five],
      upstreams: [
        ...["10.1.0.9:8000", "10.1.0.13:8000", "10.99.1.1:80", "10.53.0.1:8085", "10.53.0.2:80"],
        ...["10.53.0.3:3306", "10.99.1.1:9999"],
      ].map((at) => ({ name: at, at, ...(at.endsWith(":3306") ? { greets: true } : {}) })),
      objects: [
        tcpEntry("shared.example.com", 8085, "10.53.0.1"),
        tcpEntry("mysql.example.com", 3306, "10.53.0.3"),
        entry("entry.default.svc.cluster.local", {
          ports: [{ number: 80, name: "http", protocol: "HTTP" }],
          resolution: "STATIC",
          endpoints: [{ address: "10.53.0.2" }],
        }),
        object("DestinationRule", "five", {
          host: "five",
          trafficPolicy: {
            outlierDetection: {
              ...{ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 1_000_000, interval: "4s" },
              ...{ consecutive5xxErrors: 0, maxEjectionPercent: 100 },
            },
          },
        }),
      ],
    });
  });
  after(() => lab?.close());

  it("bytes on a port that HTTP services share go where they were meant, and HTTP stays HTTP", async () => {
    const bytes = { through: "client", address: "10.99.1.1", port: 80 };
    assert.equal((await lab.tcp(bytes)).by, "10.99.1.1:80");
    for (const version of ["1.1", "2"] as const) {
      assert.match((await lab.http({ through: "client", url: "http://web/", version })).by, /^web-/);
      assert.equal((await lab.http({ through: "client", url: "http://web2/", version })).got?.protocol, "HTTP/2");
    }
  });
  it("TLS on a port that HTTP services share goes where it was meant", async () => {
    await lab.serve({ name: "tls", at: "10.99.1.2:80", tls: lab.ca.issue({ dns: ["x.example.com"] }) });
    const tls = { sni: "x.example.com" };
    assert.equal((await lab.tcp({ through: "client", address: "10.99.1.2", port: 80, tls })).by, "tls");
  });
  it("HTTP and a TCP service without address share a port", async () => {
    assert.equal((await lab.tcp({ through: "client", port: 8085 })).by, "10.53.0.1:8085");
    assert.match((await lab.http({ through: "client", url: "http://shared:8085/" })).by, /^shared-/);
  });
  it("a client that connects in advance speaks HTTP all the same", async () => {
    const answer = await lab.http({ through: "client", url: "http://web/", idleMs: 600 });
    assert.match(answer.by, /^web-/, JSON.stringify(answer));
  });
  it("a server that speaks first is heard on its well-known port, beside HTTP", async () => {
    assert.equal((await lab.tcp({ through: "client", port: 3306, send: "" })).by, "10.53.0.3:3306");
    assert.match((await lab.http({ through: "client", url: "http://mysql:3306/" })).by, /^mysql-/);
  });

  it("HTTP/1.0 goes on as bytes where it is not taken", async () => {
    const { got } = await lab.http({ through: "client", url: "http://web/", version: "1.0", address: "10.99.1.1" });
    assert.deepEqual([got?.server, got?.protocol], ["10.99.1.1:80", "HTTP/1.0"]);
    assert.equal((await lab.http({ to: "client", url: "http://app:8000/", version: "1.0" })).status, 426);
  });
  it("HTTP/1.0 is taken by a proxy whose metadata say so, on the way out and in", async () => {
    const call = { version: "1.0" as const, address: "10.99.1.1" };
    const { got } = await lab.http({ through: "old", url: "http://web/", ...call });
    assert.match(got?.server ?? "", /^web-/);
    const into = await lab.http({ to: "old", url: "http://app:8000/", version: "1.0" });
    assert.deepEqual([into.status, into.by], [200, "10.1.0.13:8000"], JSON.stringify(into));
  });

  it("a ServiceEntry that is named like a service has a service's short names", async () => {
    for (const name of ["entry", "entry.default", "entry.default.svc", "entry.default.svc.cluster.local"])
      assert.equal((await lab.http({ through: "client", url: `http://${name}/` })).by, "10.53.0.2:80", name);
    assert.equal((await lab.http({ through: "prod", url: "http://entry.default/" })).by, "10.53.0.2:80");
    assert.notEqual((await lab.http({ through: "prod", url: "http://entry/", timeoutMs: 2_000 })).by, "10.53.0.2:80");
  });

  it("a call that comes in is tried again while nothing of it was sent, unless it is gRPC", async () => {
    const retries = async (port: number): Promise<string> => {
      assert.equal((await lab.http({ to: "client", url: `http://app:${port}/` })).status, 503);
      const stats = await lab.envoys.get("client")?.admin(`/stats?filter=inbound.${port}.*upstream_rq_retry$`);
      return stats?.trim().split(": ").at(-1) ?? "";
    };
    assert.deepEqual([await retries(8001), await retries(8002)], ["2", "0"]);
  });

  it("connections that fail eject nobody by their success rate when they are counted by themselves", async () => {
    await lab.unserve("10.54.0.1:80");
    const stat = async (name: string): Promise<number> => {
      const text = await lab.envoys.get("client")?.admin(`/stats?filter=five.*outlier_detection.${name}$`);
      return Number(text?.trim().split(": ").at(-1));
    };
    // It takes 100 requests to each of five hosts within one interval, which is long enough for a busy machine.
    await waitFor("one host's rate is found to be low", 30_000, async () => {
      const calls = Array.from({ length: 300 }, () => lab.http({ through: "client", url: "http://five/" }));
      await Promise.all(calls);
      return (await stat("ejections_detected_local_origin_success_rate")) > 0;
    });
    assert.equal(await stat("ejections_enforced_total"), 0);
  });
});
