import { create, toBinary } from "@bufbuild/protobuf";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { ReportRequestSchema } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { createGrpcChannel } from "@xebec/platform-grpc";
import type { Figure } from "../table.ts";
import { closedLoop } from "../unary.ts";
import { startMixer } from "./mixer-server.ts";

const LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const REPORT = "/istio.mixer.v1.Mixer/Report";
const BATCH = 100;
const MESSAGES = 2_000;
const SECONDS = 3;

/** Reports by Envoy's access log, which make four metrics of each entry. */
export async function accessLogFigure(dir: string, log: string): Promise<Figure> {
  const {
    server: process,
    address,
    monitoring,
  } = await startMixer("mixer-telemetry", dir, log, ["--prometheusAddr", ""]);
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

/** Reports by Mixer's API, in batches. */
export async function reportFigure(dir: string, log: string): Promise<Figure> {
  const { server: process, address } = await startMixer("mixer-telemetry", dir, log, ["--prometheusAddr", ""]);
  await using server = process;
  const channel = createGrpcChannel({ address });
  const word = (i: number): number => -i - 1;
  const defaultWords = [
    ...["context.protocol", "http", "destination.service.host", "reviews.default.svc.cluster.local"],
    ...["request.path", "/reviews/1", "response.code", "source.uid", "kubernetes://a.default"],
  ];
  const at = (text: string): number => word(defaultWords.indexOf(text));
  const bag = create(CompressedAttributesSchema, {
    strings: {
      [at("context.protocol")]: at("http"),
      [at("destination.service.host")]: at("reviews.default.svc.cluster.local"),
      [at("request.path")]: at("/reviews/1"),
      [at("source.uid")]: at("kubernetes://a.default"),
    },
    int64s: { [at("response.code")]: 200n },
  });
  const request = toBinary(
    ReportRequestSchema,
    create(ReportRequestSchema, {
      attributes: Array.from({ length: BATCH }, () => bag),
      defaultWords,
      globalWordCount: 0,
      repeatedAttributesSemantics: 1,
    }),
  );
  const one = (): Promise<unknown> => channel.unary(REPORT, request);
  await closedLoop(8, 1, one);
  const before = server.cpuMs;
  const { count, rate } = await closedLoop(8, SECONDS, one);
  const cpu = server.cpuMs - before;
  channel.close();
  return {
    what: `report by Mixer's API, ${BATCH} bags a call, four metrics`,
    value: `${(rate * BATCH).toFixed(0)} bags/s`,
    cpu: `${((cpu * 1000) / (count * BATCH)).toFixed(1)} µs each`,
    goal: "20 µs",
  };
}
