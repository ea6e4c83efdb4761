// What Envoy does with its own statistics, by the settings of ProxyConfig.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, rawDuplex } from "@xebec/platform-grpc";
import { httpCall } from "@xebec/platform-http/call";
import { createTestCa, findTool, freePorts, startChild, tempDir } from "@xebec/testing-launch";
import { AgentConfig } from "./agent-config.ts";
import { readSettings } from "./agent-settings.ts";
import { renderBootstrap } from "./bootstrap.ts";
import { createSdsServer } from "./sds-server.ts";
import { createSecrets } from "./secrets.ts";
import { withStatsdAddress } from "./statsd-address.ts";

const METRICS = "/envoy.service.metrics.v3.MetricsService/StreamMetrics";

it("statistics go to StatsD and to the metrics service, and are compressed for those who ask", async () => {
  using folder = tempDir();
  const [grpcPort = 0, adminPort = 0, statusPort = 0, readyPort = 0, promPort = 0] = await freePorts(5);
  const statsd = createSocket("udp4");
  await once(statsd.bind(0, "127.0.0.1"), "listening");
  let packets = "";
  statsd.on("message", (bytes) => {
    packets += bytes.toString();
  });
  let metrics = 0;
  const server = createGrpcServer({
    ...{ name: "metrics", address: { host: "127.0.0.1", port: grpcPort }, metrics: createMetrics() },
    services: [
      rawDuplex(METRICS, (stream) => {
        stream.onMessage((bytes) => {
          metrics += bytes.length;
        });
        stream.onEnd(() => stream.end());
      }),
    ],
    limits: { maxMessageBytes: 8 << 20 },
  });
  await server.start(new AbortController().signal);
  const { config } = loadConfig(AgentConfig, [], {});
  const settings = await withStatsdAddress(
    readSettings("sidecar", config, {
      INSTANCE_IP: "127.0.0.1",
      ENVOY_STATUS_PORT: String(readyPort),
      ENVOY_PROMETHEUS_PORT: String(promPort),
      PROXY_CONFIG: JSON.stringify({
        ...{ discoveryAddress: "127.0.0.1:15010", proxyAdminPort: adminPort, statusPort },
        statsdUdpAddress: `localhost:${(statsd.address() as AddressInfo).port}`,
        envoyMetricsService: { address: `127.0.0.1:${grpcPort}` },
      }),
    }),
  );
  const file = folder.file("bootstrap.json");
  // Without pilot, Envoy would wait for its first configuration before it listens.
  const { dynamic_resources: _pilot, ...bootstrap } = renderBootstrap(settings);
  writeFileSync(file, JSON.stringify({ ...bootstrap, stats_flush_interval: "0.1s" }));
  const envoy = startChild(findTool("envoy"), [
    ...["-c", file, "--use-dynamic-base-id", "--disable-hot-restart", "--concurrency", "1", "-l", "error"],
  ]);
  try {
    await waitFor("StatsD and the metrics service get something", 20_000, () => {
      if (envoy.exited) throw new Error(envoy.output());
      return metrics > 0 && packets.includes("envoy.server.uptime:");
    });
    for (const encoding of ["br", "zstd", "gzip"])
      await waitFor(
        `statistics come as ${encoding}`,
        10_000,
        async () => (await encodingOf(promPort, encoding)) === encoding,
      );
    assert.equal(await encodingOf(promPort, "identity"), undefined);
  } finally {
    await envoy.stop("SIGKILL");
    await server.close?.();
    statsd.close();
  }
});

it("statistics go over TLS, to a server that has the names and is not revoked", async () => {
  using folder = tempDir();
  const ca = createTestCa();
  const own = ca.issue({ dns: ["metrics.example"], ips: ["127.0.0.1"] });
  const file = (name: string, text: string): string => {
    writeFileSync(folder.file(name), text);
    return folder.file(name);
  };
  const client = ca.issue({ dns: ["client.example"] });
  const clients = new Set<string>();
  const server = createGrpcServer({
    ...{ name: "metrics", address: { host: "127.0.0.1", port: 0 }, metrics: createMetrics() },
    tls: { current: () => ({ ...own, ca: ca.cert }), onChange: () => () => {} },
    services: [
      rawDuplex(METRICS, (stream, { peer }) => {
        stream.onMessage(() => clients.add(peer));
        stream.onEnd(() => stream.end());
      }),
    ],
    limits: { maxMessageBytes: 8 << 20 },
  });
  await server.start(new AbortController().signal);
  const sds = { path: folder.file("sds") };
  const agent = createSdsServer({
    ...{ path: sds.path, metrics: createMetrics() },
    secrets: createSecrets({ identity: undefined, onChange: () => () => {} }),
  });
  await agent.start(new AbortController().signal);
  const roots = { caCertificates: file("ca.pem", ca.cert) };
  const pair = { clientCertificate: file("c.crt", client.cert), privateKey: file("c.key", client.key) };
  const crl = (certificates: string[]) => ({ caCrl: file(`crl-${certificates.length}.pem`, ca.revoke(certificates)) });
  const names = (name: string) => ({ subjectAltNames: [name] });
  /** @returns whether the server gets something, before Envoy finds that it may not speak with it */
  const arrives = async (tlsSettings: object): Promise<boolean> => {
    const [adminPort = 0, statusPort = 0, readyPort = 0, promPort = 0] = await freePorts(4);
    const { config } = loadConfig(AgentConfig, [], {});
    const settings = readSettings("sidecar", config, {
      INSTANCE_IP: "127.0.0.1",
      ENVOY_STATUS_PORT: String(readyPort),
      ENVOY_PROMETHEUS_PORT: String(promPort),
      PROXY_CONFIG: JSON.stringify({
        ...{ discoveryAddress: "127.0.0.1:15010", proxyAdminPort: adminPort, statusPort },
        envoyMetricsService: { address: `127.0.0.1:${server.port}`, tlsSettings },
        proxyStatsMatcher: { inclusionPrefixes: ["cluster.envoy_metrics_service"] },
      }),
    });
    const { dynamic_resources: _pilot, ...bootstrap } = renderBootstrap({ ...settings, sdsSocket: sds.path });
    const path = file("tls-bootstrap.json", JSON.stringify({ ...bootstrap, stats_flush_interval: "0.1s" }));
    // What an Envoy has sent before its end may be read only now.
    const earlier = new Set(clients);
    const came = (): boolean => [...clients].some((each) => !earlier.has(each));
    const envoy = startChild(findTool("envoy"), [
      ...["-c", path, "--use-dynamic-base-id", "--disable-hot-restart", "--concurrency", "1", "-l", "error"],
    ]);
    try {
      await waitFor("something comes, or cannot", 20_000, async () => {
        if (envoy.exited) throw new Error(envoy.output());
        const admin = { host: "127.0.0.1", port: adminPort };
        const stats = await httpCall(admin, "/stats?filter=fail_verify").catch(() => undefined);
        return came() || /fail_verify_(?:san|error): [1-9]/.test(stats?.body ?? "");
      });
      return came();
    } finally {
      await envoy.stop("SIGKILL");
    }
  };
  try {
    const good = { mode: "MUTUAL", ...roots, ...pair, ...names("metrics.example"), sni: "metrics.example" };
    assert.equal(await arrives({ ...good, ...crl([]) }), true);
    assert.equal(await arrives({ ...good, ...crl([own.cert]) }), false);
    assert.equal(await arrives({ mode: "SIMPLE", ...roots, ...names("other.example") }), false);
    assert.equal(await arrives({ mode: "SIMPLE", insecureSkipVerify: true }), true);
  } finally {
    await agent.close?.();
    await server.close?.();
  }
});

/** The encoding of the page of statistics; empty while nobody answers. */
async function encodingOf(port: number, accepted: string): Promise<string | undefined> {
  const asked = request({
    host: "127.0.0.1",
    port,
    path: "/stats/prometheus",
    headers: { "accept-encoding": accepted },
  });
  asked.end();
  const [response] = (await once(asked, "response").catch(() => [])) as [import("node:http").IncomingMessage?];
  response?.resume();
  return response ? response.headers["content-encoding"] : "";
}
