import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { registry } from "@xebec/api-envoy/registry";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { XdsServer } from "@xebec/pilot-xds-server";
import { createGrpcServer } from "@xebec/platform-grpc";
import { findTool, tempDir } from "@xebec/testing-launch";
import type { ConnectionPlan } from "./connections-client.ts";
import { bootstrap, IN_NAMESPACE } from "./envoy-in-namespace.ts";
import { generated, type PilotInput, proxiesOf, snapshotOf } from "./pilot-case.ts";
import { testSecrets } from "./test-secrets.ts";

const INBOUND = "127.0.0.1:15006";
const OUTBOUND = "127.0.0.1:15001";
const READY_PORT = 15000;

const node = (ip: string, metadata: object) => ({
  id: `sidecar~${ip}~ratings-1.default~default.svc.cluster.local`,
  metadata: { NAMESPACE: "default", LABELS: { app: "ratings" }, ...metadata },
});
const CAPTURED = node("10.1.0.9", { INTERCEPTION_MODE: "REDIRECT" });
const EXPLICIT = node("127.20.1.9", {
  ...{ INTERCEPTION_MODE: "NONE", APP_ADDRESS: "127.20.2.9", HTTP_PROXY_PORT: "15002" },
});

/** A Kubernetes service of one HTTP port with one pod, which has no sidecar. */
const service = (name: string, vip: string, pod: string): NonNullable<PilotInput["workloads"]> => [
  {
    ...{ type: "service", namespace: "default", name, hostname: `${name}.default.svc.cluster.local` },
    ...{ addresses: [vip], selector: { app: name } },
    ports: [{ name: "http", port: 9080, targetPort: 9080, protocol: "TCP" }],
  },
  {
    ...{ type: "endpoints", namespace: "default", name },
    subsets: [{ addresses: [{ ip: pod, ready: true }], ports: [{ name: "http", port: 9080 }] }],
  },
];
const entry = (name: string, host: string, port: object, more: object) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: { name, namespace: "default" },
  spec: { hosts: [host], ports: [port], resolution: "STATIC", ...more },
});
const tls = { number: 443, name: "tls", protocol: "TLS" };

const INPUT: PilotInput = {
  proxies: { captured: CAPTURED, explicit: EXPLICIT },
  // The only pod that pilot knows of ratings is another one: a call that took the way out again would arrive there.
  workloads: [...service("ratings", "10.96.0.9", "10.1.0.10"), ...service("reviews", "10.96.0.1", "10.1.0.5")],
  config: [
    entry("a", "a.example.com", tls, { endpoints: [{ address: "10.2.0.1" }] }),
    entry("b", "b.example.com", tls, { endpoints: [{ address: "10.2.0.2" }] }),
    entry(
      "sql",
      "sql.example.com",
      { number: 3306, name: "mysql", protocol: "TCP" },
      {
        addresses: ["10.77.0.0/16"],
        endpoints: [{ address: "10.2.0.3" }],
      },
    ),
    {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "ratings", namespace: "default" },
      spec: { selector: { matchLabels: { app: "ratings" } }, portLevelMtls: { "7777": { mode: "STRICT" } } },
    },
  ],
};

const OUTSIDE = ["10.1.0.10:9080", "10.1.0.5:9080", "10.2.0.1:443", "10.2.0.2:443", "10.2.0.3:3306"];

const CAPTURE_PLAN: ConnectionPlan = {
  servers: [...OUTSIDE, "10.1.0.9:9080", "10.1.0.9:7000", "10.1.0.9:7777", "10.200.0.1:443", "10.99.3.3:3306"],
  calls: {
    "its own port": { via: INBOUND, to: "10.1.0.9:9080", http: "ratings:9080" },
    "a port of no service": { via: INBOUND, to: "10.1.0.9:7000" },
    "a port of no service that is STRICT": { via: INBOUND, to: "10.1.0.9:7777" },
    "a service's address": { via: OUTBOUND, to: "10.96.0.1:9080", http: "reviews:9080" },
    "a server's name": { via: OUTBOUND, to: "10.200.0.1:443", sni: "a.example.com" },
    "another server's name": { via: OUTBOUND, to: "10.200.0.1:443", sni: "b.example.com" },
    "a name that nobody knows": { via: OUTBOUND, to: "10.200.0.1:443", sni: "c.example.com" },
    "an address of a network": { via: OUTBOUND, to: "10.77.3.3:3306" },
    "an address of no network": { via: OUTBOUND, to: "10.99.3.3:3306" },
  },
};

const EXPLICIT_PLAN: ConnectionPlan = {
  servers: [...OUTSIDE, "127.20.2.9:9080"],
  calls: {
    "its own port": { via: "127.20.1.9:9080", http: "ratings:9080" },
    "a service by HTTP": { via: "127.20.1.9:15002", http: "reviews:9080" },
    "a service by HTTP in a tunnel": { via: "127.20.1.9:15002", tunnel: "reviews:9080", http: "reviews:9080" },
    "a TLS server in a tunnel": { via: "127.20.1.9:15002", tunnel: "a.example.com:443", sni: "a.example.com" },
    "another TLS server in a tunnel": { via: "127.20.1.9:15002", tunnel: "b.example.com:443", sni: "b.example.com" },
    "a TCP server in a tunnel": { via: "127.20.1.9:15002", tunnel: "sql.example.com:3306" },
    "a TCP server at a port of the proxy": { via: "127.20.1.9:3306" },
  },
};

/** Without iptables the address that a client meant comes in PROXY's header, and the rest is as with capture. */
function withProxyHeader(listeners: readonly Record<string, unknown>[]): unknown[] {
  const header = {
    name: "envoy.filters.listener.proxy_protocol",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    },
  };
  return listeners.map((each) => {
    if (each.bind_to_port === false) return each;
    const given = (each.listener_filters ?? []) as { name: string }[];
    return { ...each, listener_filters: [header, ...given.filter(({ name }) => !name.endsWith("original_dst"))] };
  });
}

/** Runs a plan's connections through a real Envoy. @returns where each arrived */
async function arrivals(name: string, { calls, servers }: ConnectionPlan): Promise<unknown> {
  using folder = tempDir();
  const socket = folder.file("xds.sock");
  const metrics = createMetrics();
  const change = snapshotOf(INPUT);
  const proxy = proxiesOf(INPUT).get(name);
  const own = INPUT.proxies[name];
  assert.ok(proxy && own);
  const xds = new XdsServer({ metrics, onNack: (report) => assert.fail(report.message) });
  await xds.update(change);
  const server = createGrpcServer({
    ...{ name: "xds", address: { path: socket }, metrics },
    services: [xds.service(false), testSecrets()],
  });
  await server.start(new AbortController().signal);
  const made = generated(change, proxy, registry).listeners as Record<string, unknown>[];
  const listeners = proxy.interception === "NONE" ? made : withProxyHeader(made);
  const file = folder.file("bootstrap.json");
  writeFileSync(file, JSON.stringify(bootstrap(own, socket, { listeners, adminPort: READY_PORT })));
  const [program = "", ...args] = [
    ...IN_NAMESPACE,
    ...[findTool("envoy"), "-c", file, "--use-dynamic-base-id", "--concurrency", "1"],
    ...["--disable-hot-restart", "-l", "error"],
  ];
  const envoy = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [envoy.stdout, envoy.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  const inside = (...command: string[]) =>
    promisify(execFile)("nsenter", ["--user", "--net", "--preserve-credentials", "-t", String(envoy.pid), ...command], {
      timeout: 30_000,
    });
  try {
    await waitFor("the proxy is ready", 15_000, async () => {
      assert.equal(envoy.exitCode, null, output);
      const get = `fetch("http://127.0.0.1:${READY_PORT}/ready").then(async (r) => console.log(await r.text()))`;
      return (await inside(process.execPath, "-e", get)).stdout.startsWith("LIVE");
    });
    const script = join(import.meta.dirname, "connections-client.ts");
    return JSON.parse((await inside(process.execPath, script, JSON.stringify({ servers, calls }))).stdout);
  } finally {
    envoy.kill("SIGKILL");
    if (envoy.exitCode === null && envoy.signalCode === null) await once(envoy, "exit");
    await server.close?.();
  }
}

describe("pilot: connections through a real Envoy arrive where they were meant to", () => {
  it("where traffic is captured", async () => {
    assert.deepEqual(await arrivals("captured", CAPTURE_PLAN), {
      "its own port": "10.1.0.9:9080",
      "a port of no service": "10.1.0.9:7000",
      "a port of no service that is STRICT": "(cut off)",
      "a service's address": "10.1.0.5:9080",
      "a server's name": "10.2.0.1:443",
      "another server's name": "10.2.0.2:443",
      "a name that nobody knows": "10.200.0.1:443",
      "an address of a network": "10.2.0.3:3306",
      "an address of no network": "10.99.3.3:3306",
    });
  });

  it("where clients call the proxy themselves", async () => {
    assert.deepEqual(await arrivals("explicit", EXPLICIT_PLAN), {
      "its own port": "127.20.2.9:9080",
      "a service by HTTP": "10.1.0.5:9080",
      "a service by HTTP in a tunnel": "10.1.0.5:9080",
      "a TLS server in a tunnel": "10.2.0.1:443",
      "another TLS server in a tunnel": "10.2.0.2:443",
      "a TCP server in a tunnel": "10.2.0.3:3306",
      "a TCP server at a port of the proxy": "10.2.0.3:3306",
    });
  });
});
