import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { waitFor } from "@xebec/core-async";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object, policy } from "./objects.ts";

const http = (settings: object) => ({ connectionPool: { http: settings } });
const tcp = (settings: object) => ({ connectionPool: { tcp: settings } });
const h2 = { h2UpgradePolicy: "UPGRADE" };

const POLICIES: Readonly<Record<string, object>> = {
  connections: tcp({ maxConnections: 1 }),
  pending: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } },
  requests: http({ http2MaxRequests: 1 }),
  "per-connection": http({ maxRequestsPerConnection: 1 }),
  retries: http({ maxRetries: 1 }),
  streams: http({ ...h2, maxConcurrentStreams: 1 }),
  upgraded: http(h2),
  kept: http({ h2UpgradePolicy: "DO_NOT_UPGRADE" }),
  client: http({ useClientProtocol: true }),
  idle: http({ idleTimeout: "0.2s" }),
  "tcp-idle": tcp({ idleTimeout: "0.2s" }),
  both: { connectionPool: { tcp: { idleTimeout: "0.2s" }, http: { idleTimeout: "1h" } } },
  old: tcp({ maxConnectionDuration: "0.2s" }),
  handshake: { ...tcp({ connectTimeout: "0.2s" }), tls: { mode: "SIMPLE", insecureSkipVerify: true } },
  default: {},
};
const BYTES: Readonly<Record<string, object>> = {
  "bytes-one": tcp({ maxConnections: 1 }),
  "bytes-idle": tcp({ idleTimeout: "0.2s" }),
  "bytes-old": tcp({ maxConnectionDuration: "0.2s" }),
  bytes: {},
};
/** Makes an address of the namespace silent: nothing arrives there any more, and nobody notices. */
async function cutOff(lab: Lab, address: string): Promise<void> {
  const run = (...args: string[]) => promisify(execFile)(...lab.namespace.command("ip", ["rule", ...args]));
  // What is local is looked up first of all, unless that rule moves behind ours.
  await run("add", "pref", "100", "lookup", "local");
  await run("del", "pref", "0");
  await run("add", "pref", "10", "to", address, "blackhole");
}

const SILENT = "10.41.0.1";
const ALIVE = "10.41.0.2";

describe("a real Envoy keeps connections as connectionPool says", () => {
  let lab: Lab;
  let services: LabService[] = [];
  before(async () => {
    const one = (name: string, ip: string) => [{ name, ip }];
    services = [...Object.keys(POLICIES), ...Object.keys(BYTES)].map((name, i) =>
      host(name, {
        ports: name in BYTES ? { tcp: 5000 } : { http: 80 },
        pods: one(name, name === "handshake" ? SILENT : `10.41.1.${i + 1}`),
      }),
    );
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: [...services, host("alive", { ports: { tcp: 5000 }, pods: one("alive", ALIVE) })],
      objects: [
        ...Object.entries({ ...POLICIES, ...BYTES }).flatMap(([name, each]) =>
          Object.keys(each).length > 0 ? [policy(name, each)] : [],
        ),
        policy("alive", tcp({ tcpKeepalive: { probes: 1, time: "1s", interval: "1s" } })),
        object("VirtualService", "retries", {
          hosts: ["retries"],
          http: [{ route: [{ destination: { host: "retries" } }], retries: { attempts: 1, retryOn: "5xx" } }],
        }),
      ],
    });
    await lab.serve({ name: "silent", at: `${SILENT}:80`, silent: true });
  });
  after(() => lab.close());

  const get = (name: string, more: Partial<HttpCall> = {}) =>
    lab.http({ through: "client", url: `http://${name}/`, ...more });
  const stream = (name: string, more: Partial<HttpCall> = {}) =>
    lab.stream({ through: "client", url: `http://${name}/`, ...more });
  const silent = (name: string, timeoutMs: number) =>
    lab.tcp({ through: "client", host: name, port: 5000, send: "", timeoutMs });
  /** A number of the cluster of a host. */
  const stat = async (name: string, what: string, port = 80): Promise<number> => {
    const text = await lab.envoys.get("client")?.admin(`/stats?filter=${what}`);
    const line = text
      ?.split("\n")
      .find((each) => each.startsWith(`cluster.outbound|${port}||${name}.default.`) && each.includes(`.${what}:`));
    return Number(line?.split(": ").at(-1));
  };
  const becomes = (name: string, what: string, value: number, port?: number): Promise<unknown> =>
    waitFor(`${what} of ${name} is ${value}`, 5_000, async () => (await stat(name, what, port)) === value);

  it("tcp.maxConnections: a request waits for the only one", async () => {
    const held = await stream("connections");
    const waiting = get("connections");
    await becomes("connections", "upstream_rq_pending_active", 1);
    assert.equal(await stat("connections", "upstream_cx_active"), 1);
    await held.close();
    assert.equal((await waiting).by, "connections");
  });

  it("tcp.maxConnections: one too many of bytes is cut off", async () => {
    const held = silent("bytes-one", 10_000);
    await becomes("bytes-one", "upstream_cx_active", 1, 5000);
    assert.deepEqual(
      [(await silent("bytes-one", 3_000)).error, (await silent("bytes", 100)).error],
      ["cut off", "no end in 100 ms"],
    );
    await lab.unserve(`${services.find(({ name }) => name === "bytes-one")?.pods[0]?.ip}:5000`);
    await held;
  });

  it("http.http1MaxPendingRequests: one too many does not wait", async () => {
    const held = await stream("pending");
    const waiting = get("pending");
    await becomes("pending", "upstream_rq_pending_active", 1);
    const { status, by } = await get("pending");
    assert.deepEqual([status, by], [503, ""]);
    await held.close();
    assert.equal((await waiting).by, "pending");
  });

  it("http.http2MaxRequests: one too many at once is refused", async () => {
    const held = await stream("requests");
    assert.equal((await get("requests")).status, 503);
    await held.close();
    await becomes("requests", "upstream_rq_active", 0);
    assert.equal((await get("requests")).status, 200);
  });

  it("http.maxRequestsPerConnection", async () => {
    for (const name of ["per-connection", "default"]) for (let i = 0; i < 3; i++) await get(name);
    assert.equal(await stat("per-connection", "upstream_cx_total"), 3);
    assert.equal(await stat("default", "upstream_cx_total"), 1);
  });

  it("http.maxRetries: one too many at once is not tried again", async () => {
    const slow = get("retries", { do: "503,delay:1000" });
    await becomes("retries", "rq_retry_open", 1);
    assert.equal((await get("retries", { do: "503,200" })).status, 503);
    assert.equal((await slow).status, 200);
    assert.equal((await get("retries", { do: "503,200" })).status, 200);
  });

  it("http.maxConcurrentStreams: one too many has another connection", async () => {
    for (const name of ["streams", "upgraded"]) {
      const held = await stream(name, { version: "2" });
      assert.equal((await get(name)).got?.protocol, "HTTP/2");
      assert.equal(await stat(name, "upstream_cx_total"), name === "streams" ? 2 : 1);
      await held.close();
    }
  });

  it("http.h2UpgradePolicy and http.useClientProtocol", async () => {
    const seen = async (name: string, version: "1.1" | "2") => (await get(name, { version })).got?.protocol;
    const found = [];
    for (const name of ["upgraded", "kept", "client"])
      found.push([await seen(name, "1.1"), await seen(name, "2")].join());
    assert.deepEqual(found, ["HTTP/2,HTTP/2", "HTTP/1.1,HTTP/1.1", "HTTP/1.1,HTTP/2"]);
  });

  it("http.idleTimeout, tcp.idleTimeout and tcp.maxConnectionDuration: connections of requests", async () => {
    const names = ["idle", "tcp-idle", "old"];
    for (const name of [...names, "both", "kept"]) await get(name);
    for (const name of names) await becomes(name, "upstream_cx_active", 0);
    for (const name of ["both", "kept"]) assert.equal(await stat(name, "upstream_cx_active"), 1, name);
  });

  it("tcp.idleTimeout and tcp.maxConnectionDuration: connections of bytes", async () => {
    const ends = await Promise.all(["bytes-idle", "bytes-old", "bytes"].map((name) => silent(name, 1_500)));
    assert.deepEqual(
      ends.map(({ error }) => error),
      ["cut off", "cut off", "no end in 1500 ms"],
    );
  });

  it("tcp.connectTimeout", async () => {
    const { status, ms } = await get("handshake");
    assert.equal(status, 503);
    assert.ok(ms < 8_000);
    assert.ok((await stat("handshake", "upstream_cx_connect_timeout")) > 0);
  });

  it("tcp.tcpKeepalive: a peer that is away is noticed after its time, probes and interval", async () => {
    const held = silent("alive", 6_000);
    await becomes("alive", "upstream_cx_active", 1, 5000);
    await cutOff(lab, ALIVE);
    assert.equal((await held).error, "cut off");
  });
});
