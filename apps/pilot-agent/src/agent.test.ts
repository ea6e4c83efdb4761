import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { BootstrapSchema } from "@xebec/api-envoy/envoy/config/bootstrap/v3/bootstrap";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { RouterSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/router/v3/router";
import { HttpConnectionManagerSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { AggregatedDiscoveryService } from "@xebec/api-envoy/envoy/service/discovery/v3/ads";
import { NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { signToken } from "@xebec/model-pki";
import { createMemoryBus } from "@xebec/platform-bus";
import { type CallContext, createGrpcServer, service } from "@xebec/platform-grpc";
import { createWorkloadIdentity, loadOrCreateTokenKey } from "@xebec/platform-identity";
import { type Child, findTool, freePorts, startChild, tempDir } from "@xebec/testing-launch";

const NEVER = new AbortController().signal;
const MAIN = join(import.meta.dirname, "main.ts");
const SYSTEM = "istio-system";

function get(host: string, port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path, agent: false, timeout: 2_000 }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => {
        body += part.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", reject);
    call.end();
  });
}

/** A listener that answers every request by itself. */
function listener(ip: string, port: number) {
  const manager = anyOf(HttpConnectionManagerSchema, {
    statPrefix: "app",
    routeSpecifier: {
      case: "routeConfig",
      value: {
        virtualHosts: [
          {
            name: "all",
            domains: ["*"],
            routes: [
              {
                match: { pathSpecifier: { case: "prefix", value: "/" } },
                action: { case: "directResponse", value: { status: 200 } },
              },
            ],
          },
        ],
      },
    },
    httpFilters: [
      { name: "envoy.filters.http.router", configType: { case: "typedConfig", value: anyOf(RouterSchema, {}) } },
    ],
  });
  return anyOf(ListenerSchema, {
    name: "app",
    address: {
      address: { case: "socketAddress", value: { address: ip, portSpecifier: { case: "portValue", value: port } } },
    },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            configType: { case: "typedConfig", value: manager },
          },
        ],
      },
    ],
  });
}

test("one pod's agent: certificate, Envoy, both killed in turn, and a clean end", async () => {
  using folder = tempDir();
  const metrics = createMetrics();
  const { config } = loadConfig(
    CitadelConfig,
    ["--address=127.0.0.1", "--grpc-port=0", `--storage-dir=${folder.path}`],
    {},
  );
  let caPort = 0;
  const bus = createMemoryBus();
  const citadel = compose("citadel", [
    bus,
    ...citadelComponents({
      ...{ config, bus, metrics, withMonitoring: false },
      onListening: (port) => {
        caPort = port;
      },
    }),
  ]);
  await citadel.start(NEVER);
  const key = await loadOrCreateTokenKey(folder.path);
  const token = (namespace: string, serviceAccount: string): string =>
    signToken(key, { namespace, serviceAccount }, 600);
  writeFileSync(folder.file("pilot-token"), token(SYSTEM, "istio-pilot-service-account"));
  const pilotIdentity = createWorkloadIdentity({
    caAddress: `127.0.0.1:${caPort}`,
    caRootFile: folder.file("root-cert.pem"),
    tokenFile: folder.file("pilot-token"),
  });
  await pilotIdentity.start(NEVER);

  const ip = "127.0.99.7";
  const [admin = 0, status = 0, ready = 0, stats = 0, app = 0, dns = 0] = await freePorts(6, ip);
  const callers: (string | undefined)[] = [];
  const pilot = createGrpcServer({
    name: "pilot",
    address: { host: "127.0.0.1", port: 0 },
    tls: pilotIdentity,
    metrics,
    services: [
      service(AggregatedDiscoveryService, {
        streamAggregatedResources(stream, call: CallContext) {
          callers.push(call.identity);
          stream.onMessage(({ typeUrl, responseNonce }) => {
            if (responseNonce !== "") return;
            const table = { "db.example.com": { ips: ["240.240.7.7"], registry: "External" } };
            const value = toBinary(NameTableSchema, create(NameTableSchema, { table }));
            stream.write({ typeUrl, nonce: "1", resources: [{ typeUrl, value }] });
          });
        },
        deltaAggregatedResources(stream, call: CallContext) {
          callers.push(call.identity);
          stream.onMessage(({ typeUrl, responseNonce }) => {
            if (responseNonce !== "") return;
            const found = typeUrl.endsWith(".Listener")
              ? [{ name: "app", version: "1", resource: listener(ip, app) }]
              : typeUrl.endsWith(".Bootstrap")
                ? [
                    {
                      name: "",
                      version: "1",
                      resource: anyOf(BootstrapSchema, { statsFlushInterval: durationOf(7_000) }),
                    },
                  ]
                : [];
            stream.write({ typeUrl, nonce: "1", resources: found });
          });
        },
      }),
    ],
  });
  await pilot.start(NEVER);

  const put = (path: string, text: string): void => {
    mkdirSync(join(folder.path, "pod", path, ".."), { recursive: true });
    writeFileSync(join(folder.path, "pod", path), text);
  };
  put("etc/istio/pod/labels", 'app="reviews"\nversion="v1"\npod-template-hash="abc"\n');
  put("var/run/secrets/tokens/istio-token", token("default", "bookinfo-reviews"));
  put("var/run/secrets/istio/root-cert.pem", readFileSync(folder.file("root-cert.pem"), "utf8"));
  put("own.json", JSON.stringify({ node: { metadata: { OVERRIDE: "mine" } } }));
  const agents: Child[] = [];
  const startAgent = (): Child => {
    const agent = startChild(
      process.execPath,
      [
        MAIN,
        "proxy",
        "sidecar",
        "--domain",
        "default.svc.cluster.local",
        "--concurrency",
        "1",
        "--unknown=flag",
        "--envoyLogFile",
        "envoy.log",
      ],
      {
        cwd: join(folder.path, "pod"),
        env: {
          PATH: process.env.PATH,
          XEBEC_ENVOY: findTool("envoy"),
          POD_NAME: "reviews-v1-abc",
          POD_NAMESPACE: "default",
          INSTANCE_IP: ip,
          SERVICE_ACCOUNT: "bookinfo-reviews",
          CA_ADDR: `127.0.0.1:${caPort}`,
          PROXY_CONFIG: JSON.stringify({
            discoveryAddress: `127.0.0.1:${pilot.port}`,
            proxyAdminPort: admin,
            statusPort: status,
            terminationDrainDuration: "200ms",
          }),
          ENVOY_STATUS_PORT: String(ready),
          ENVOY_PROMETHEUS_PORT: String(stats),
          ISTIO_META_INTERCEPTION_MODE: "NONE",
          ISTIO_META_DNS_CAPTURE: "true",
          DNS_PROXY_ADDR: `localhost:${dns}`,
          ISTIO_META_WORKLOAD_NAME: "reviews-v1",
          BOOTSTRAP_XDS_AGENT: "true",
          ISTIO_BOOTSTRAP_OVERRIDE: "own.json",
          SECRET_TTL: "6s",
        },
      },
    );
    agents.push(agent);
    return agent;
  };
  const envoyPid = (): number =>
    (JSON.parse(readFileSync(join(folder.path, "pod/etc/istio/proxy/envoy.pid"), "utf8")) as { pid: number }).pid;
  const isReady = async (): Promise<boolean> => (await get(ip, status, "/healthz/ready")).status === 200;
  const alive = (pid: number): boolean => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  try {
    const first = startAgent();
    await waitFor("the agent is ready", 12_000, () => {
      if (first.exited) assert.fail(first.output());
      return isReady();
    }).catch((error: Error) =>
      assert.fail(`${error.message}\n${first.output()}\n${readFileSync(join(folder.path, "pod/envoy.log"), "utf8")}`),
    );
    assert.equal(statSync(join(folder.path, "pod/etc/istio/proxy")).mode & 0o777, 0o700, "made by the agent");
    assert.deepEqual([...new Set(callers)], ["spiffe://cluster.local/ns/default/sa/bookinfo-reviews"]);
    assert.equal((await get(ip, app, "/")).status, 200);
    assert.equal((await get(ip, ready, "/healthz/ready")).status, 200);
    assert.match((await get(ip, stats, "/stats/prometheus")).body, /envoy_server_live/);
    assert.match(
      (await get(ip, status, "/stats/prometheus")).body,
      /xebec_agent_envoy_starts_total.*envoy_server_live/s,
    );
    const info = JSON.parse((await get(ip, admin, "/server_info")).body);
    assert.equal(info.node.id, `sidecar~${ip}~reviews-v1-abc.default~default.svc.cluster.local`);
    assert.equal(info.node.cluster, "reviews.default");
    assert.match((await get(ip, admin, "/config_dump?mask=bootstrap")).body, /"stats_flush_interval": "7s"/);
    assert.equal(info.node.metadata.OVERRIDE, "mine");
    assert.deepEqual(info.node.metadata.LABELS, { app: "reviews", version: "v1" });

    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    resolver.setServers([`${ip}:${dns}`]);
    assert.deepEqual(await resolver.resolve4("db.example.com"), ["240.240.7.7"]);
    assert.equal(info.node.metadata.DNS_CAPTURE, "true");

    const envoy = envoyPid();
    await first.stop("SIGKILL");
    assert.ok(alive(envoy));
    assert.equal((await get(ip, app, "/")).status, 200);
    assert.equal((await get(ip, ready, "/healthz/ready")).status, 200);
    const pidFile = join(folder.path, "pod/etc/istio/proxy/envoy.pid");
    let second = startAgent();
    for (const next of ["the second agent, by the pid file", "the third agent, by the command line"]) {
      await waitFor(`${next}, is ready`, 8_000, isReady).catch((e: Error) =>
        assert.fail(`${e.message}${second.output()}`),
      );
      assert.equal(envoyPid(), envoy, next);
      assert.match((await get(ip, status, "/metrics")).body, /starts_total\{how="adopted"\} 1/);
      if (next.includes("third")) break;
      await second.stop("SIGKILL");
      writeFileSync(pidFile, "{");
      second = startAgent();
    }

    process.kill(envoy, "SIGKILL");
    await waitFor("another Envoy", 8_000, async () => envoyPid() !== envoy && (await get(ip, app, "/")).status === 200);
    const restarted = envoyPid();
    await second.stop("SIGTERM");
    assert.equal(alive(restarted), false);
    assert.match(second.output(), /drains/);
  } finally {
    for (const agent of agents) await agent.stop("SIGKILL");
    try {
      process.kill(envoyPid(), "SIGKILL");
    } catch {
      // It has ended as it should.
    }
    await pilot.close?.();
    await pilotIdentity.close?.();
    await citadel.close?.();
  }
});
