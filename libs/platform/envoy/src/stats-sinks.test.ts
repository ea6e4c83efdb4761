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
import { findTool, freePorts, startChild, tempDir } from "@xebec/testing-launch";
import { AgentConfig } from "./agent-config.ts";
import { readSettings } from "./agent-settings.ts";
import { renderBootstrap } from "./bootstrap.ts";
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
