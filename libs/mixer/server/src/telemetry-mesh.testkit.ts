import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RequestMethod } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { HTTPAccessLogEntrySchema } from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { waitFor } from "@xebec/core-async";
import { createMixerTelemetry } from "./mixer-service.ts";
import { pod, service, startMixer, telemetryAdapters, testdata } from "./test-mesh.testkit.ts";

export const WORKLOADS = [
  pod("productpage", "v1", "10.0.0.1"),
  pod("reviews", "v1", "10.0.0.3"),
  service("reviews"),
  service("productpage"),
];

export async function withMixer(
  work: (mixer: Awaited<ReturnType<typeof startMixer>>, text: () => string, lines: string[]) => Promise<void>,
): Promise<void> {
  const { adapters, text, lines } = telemetryAdapters();
  const objects = [...testdata("prometheus.yaml"), ...testdata("accesslog.yaml")];
  const mixer = await startMixer(createMixerTelemetry, adapters, objects, WORKLOADS);
  try {
    await work(mixer, text, lines);
  } finally {
    await mixer.close();
  }
}

export type Entry = MessageInitShape<typeof HTTPAccessLogEntrySchema>;
export type Message = MessageInitShape<typeof StreamAccessLogsMessageSchema>;

export const address = (ip: string, port: number) =>
  ({
    address: { case: "socketAddress", value: { address: ip, portSpecifier: { case: "portValue", value: port } } },
  }) as const;
export const san = (account: string) => ({
  subjectAltName: [{ san: { case: "uri" as const, value: `spiffe://cluster.local/ns/default/sa/${account}` } }],
});
export const identifier = (app: string, direction: string): Message["identifier"] => ({
  node: { id: `sidecar~10.0.0.9~${app}-v1-abc.default~default.svc.cluster.local` },
  logName: `xebec_http_${direction}`,
});

export const request = {
  requestMethod: RequestMethod.GET,
  scheme: "http",
  authority: "reviews:80",
  path: "/reviews/1?page=2",
  userAgent: "curl",
  requestId: "id-1",
  requestHeadersBytes: 100n,
  requestBodyBytes: 20n,
};
export const response = { responseCode: 200, responseHeadersBytes: 50n, responseBodyBytes: 2000n };
export const time = { startTime: { seconds: 1_700_000_000n, nanos: 0 }, duration: { seconds: 0n, nanos: 30_000_000 } };

export const inbound = {
  commonProperties: {
    ...time,
    downstreamRemoteAddress: address("10.0.0.1", 40000),
    downstreamLocalAddress: address("10.0.0.3", 9080),
    upstreamRemoteAddress: address("127.0.0.1", 9080),
    upstreamCluster: "inbound|80||reviews.default.svc.cluster.local",
    tlsProperties: { peerCertificateProperties: san("productpage"), localCertificateProperties: san("reviews") },
  },
  request,
  response,
} satisfies Entry;
export const outbound = {
  commonProperties: {
    ...time,
    downstreamRemoteAddress: address("127.0.0.1", 40000),
    upstreamLocalAddress: address("10.0.0.1", 40001),
    upstreamRemoteAddress: address("10.0.0.3", 9080),
    upstreamCluster: "outbound|80|v1|reviews.default.svc.cluster.local",
    customTags: {
      "source.principal.upstream": "spiffe://cluster.local/ns/default/sa/productpage",
      "destination.principal.upstream": "spiffe://cluster.local/ns/default/sa/reviews",
    },
  },
  request,
  response: { ...response, responseCode: 503 },
} satisfies Entry;

export async function send(mixer: Awaited<ReturnType<typeof startMixer>>, messages: Message[]): Promise<void> {
  const stream = mixer.channel.duplex("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs");
  let over = false;
  stream.onMessage(() => undefined);
  stream.onEnd(() => {
    over = true;
  });
  for (const message of messages)
    stream.write(toBinary(StreamAccessLogsMessageSchema, create(StreamAccessLogsMessageSchema, message)));
  stream.end();
  await waitFor("the end of the stream", 5000, () => over);
}

export const http = (...logEntry: Entry[]): Message["logEntries"] => ({ case: "httpLogs", value: { logEntry } });

/** The labels of the only series of a metric, and its value. */
export function seriesOf(text: string, name: string): { labels: Record<string, string>; value: string }[] {
  return [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} (.*)$`, "gm"))].map(([, labels = "", value = ""]) => ({
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, each]) => [key, each])),
    value,
  }));
}
