import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { CheckRequestSchema } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { waitFor } from "@xebec/core-async";
import { createGrpcChannel } from "@xebec/platform-grpc";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { Server } from "./server.ts";
import { type Figure, percentile } from "./table.ts";
import { closedLoop } from "./unary.ts";

const SAMPLES = join(import.meta.dirname, "../../deploy/samples/bookinfo");
const CHECK = "/envoy.service.auth.v3.Authorization/Check";
const LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const SECONDS = 4;
const BATCH = 100;
const MESSAGES = 2_000;

/** Checks by ext_authz, and reports by access log. */
export async function mixerFigures(): Promise<Figure[]> {
  using folder = tempDir();
  const dir = folder.file("config");
  mkdirSync(dir);
  cpSync(join(SAMPLES, "policy/mixer-rule-deny-label.yaml"), join(dir, "deny.yaml"));
  cpSync(join(SAMPLES, "policy/mixer-rule-list.yaml"), join(dir, "list.yaml"));
  cpSync(join(SAMPLES, "telemetry/metrics.yaml"), join(dir, "metrics.yaml"));
  return [await checks(dir, folder.file("policy.log")), await logs(dir, folder.file("telemetry.log"))];
}

async function start(app: string, dir: string, log: string, more: readonly string[] = []) {
  const [grpc = 0, monitoring = 0] = await freePorts(2);
  const address = `127.0.0.1:${grpc}`;
  const flags = [
    "--configStoreURL",
    `fs://${dir}`,
    "--address",
    address,
    "--secureAddr",
    "",
    "--monitoringAddress",
    "127.0.0.1",
    "--monitoringPort",
    String(monitoring),
    "--log_output_level",
    "default:warn",
    ...more,
  ];
  return {
    server: await Server.start(app, flags, `127.0.0.1:${monitoring}`, log),
    address,
    monitoring: `127.0.0.1:${monitoring}`,
  };
}

async function checks(dir: string, log: string): Promise<Figure> {
  const { server: process, address } = await start("mixer-policy", dir, log);
  await using server = process;
  const channels = Array.from({ length: 4 }, () => createGrpcChannel({ address }));
  const socket = (ip: string, port: number) => ({
    address: {
      case: "socketAddress" as const,
      value: { address: ip, portSpecifier: { case: "portValue" as const, value: port } },
    },
  });
  const request = (n: number): Uint8Array =>
    toBinary(
      CheckRequestSchema,
      create(CheckRequestSchema, {
        attributes: {
          source: { address: { address: socket("10.1.0.3", 40_000).address } },
          destination: { address: { address: socket("10.1.0.9", 9080).address } },
          request: {
            http: {
              id: `${n}`,
              method: "GET",
              path: `/ratings/${n}`,
              host: "ratings:9080",
              scheme: "http",
              protocol: "HTTP/1.1",
              headers: { ":path": `/ratings/${n}`, "x-request-id": `${n}`, "user-agent": "bench" },
            },
          },
          contextExtensions: {
            "context.reporter.kind": "inbound",
            "destination.service.host": "ratings.default.svc.cluster.local",
            "destination.service.name": "ratings",
            "destination.service.namespace": "default",
          },
        },
      }),
    );
  const one = (n: number): Promise<unknown> => {
    const channel = channels[n % channels.length];
    return channel ? channel.unary(CHECK, request(n)) : Promise.resolve();
  };
  await closedLoop(64, 1, one);
  const before = server.cpuMs;
  const { count, rate, latencies } = await closedLoop(64, SECONDS, one);
  const cpu = server.cpuMs - before;
  for (const channel of channels) channel.close();
  return {
    what: "check by ext_authz, 64 in flight",
    value: `${rate.toFixed(0)}/s, p50 ${percentile(latencies, 50).toFixed(1)} ms, p99 ${percentile(latencies, 99).toFixed(1)} ms`,
    cpu: `${((cpu * 1000) / count).toFixed(0)} µs each`,
    goal: "120 µs",
  };
}

async function logs(dir: string, log: string): Promise<Figure> {
  const { server: process, address, monitoring } = await start("mixer-telemetry", dir, log, ["--prometheusAddr", ""]);
  await using server = process;
  const channel = createGrpcChannel({ address });
  const stream = channel.duplex(LOGS);
  stream.onMessage(() => {});
  const entry = (n: number) => ({
    commonProperties: {
      upstreamCluster: "inbound|9080||",
      downstreamRemoteAddress: {
        address: {
          case: "socketAddress" as const,
          value: { address: "10.1.0.3", portSpecifier: { case: "portValue" as const, value: 40_000 } },
        },
      },
      downstreamLocalAddress: {
        address: {
          case: "socketAddress" as const,
          value: { address: "10.1.0.9", portSpecifier: { case: "portValue" as const, value: 9080 } },
        },
      },
      startTime: { seconds: 1_800_000_000n, nanos: n },
      timeToLastDownstreamTxByte: { seconds: 0n, nanos: 5_000_000 },
    },
    request: {
      path: `/reviews/${n}`,
      authority: "reviews:9080",
      userAgent: "bench",
      requestId: `${n}`,
      requestHeadersBytes: 200n,
    },
    response: { responseCode: { value: 200 }, responseBodyBytes: 400n },
  });
  const message = (first: boolean): Uint8Array =>
    toBinary(
      StreamAccessLogsMessageSchema,
      create(StreamAccessLogsMessageSchema, {
        ...(first
          ? {
              identifier: {
                logName: "xebec_http_inbound",
                node: { id: "sidecar~10.1.0.9~ratings-v1.default~default.svc.cluster.local" },
              },
            }
          : {}),
        logEntries: {
          case: "httpLogs",
          value: {
            logEntry: Array.from({ length: BATCH }, (_, n) => ({
              ...entry(n),
              response: { responseCode: 200, responseBodyBytes: 400n },
            })),
          },
        },
      }),
    );
  stream.write(message(true));
  const bytes = Buffer.from(message(false));
  const bags = async (): Promise<number> =>
    Number(
      /xebec_mixer_report_bags_total (\d+)/.exec(await (await fetch(`http://${monitoring}/metrics`)).text())?.[1] ?? 0,
    );
  await waitFor("the stream is taken", 10_000, async () => (await bags()) >= BATCH);
  const before = { cpu: server.cpuMs, bags: await bags(), at: performance.now() };
  for (let i = 0; i < MESSAGES; i++) {
    if (!stream.write(bytes)) await new Promise<void>((resolve) => stream.onDrain(resolve));
  }
  await waitFor("all entries are counted", 60_000, async () => (await bags()) - before.bags >= MESSAGES * BATCH, 20);
  const count = MESSAGES * BATCH;
  const rate = (count * 1000) / (performance.now() - before.at);
  const cpu = server.cpuMs - before.cpu;
  stream.end();
  channel.close();
  return {
    what: `report by access log, ${BATCH} entries a message, four metrics`,
    value: `${rate.toFixed(0)} entries/s`,
    cpu: `${((cpu * 1000) / count).toFixed(1)} µs each`,
    goal: "10 µs",
  };
}
