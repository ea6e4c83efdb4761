import { createServer, type IncomingMessage } from "node:http";
import { fromBinary } from "@bufbuild/protobuf";
import type { HTTPAccessLogEntry, TCPAccessLogEntry } from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { ExportLogsServiceRequestSchema } from "@xebec/api-mesh/opentelemetry/proto/collector/logs/v1/logs_service";
import {
  type ExportTraceServiceRequest,
  ExportTraceServiceRequestSchema,
} from "@xebec/api-mesh/opentelemetry/proto/collector/trace/v1/trace_service";
import type { KeyValue } from "@xebec/api-mesh/opentelemetry/proto/common/v1/common";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcServer, rawDuplex, rawUnary } from "@xebec/platform-grpc";

/** A span, whoever sent it. */
export interface Span {
  readonly via: "zipkin" | "otlp" | "otlp/http";
  readonly name: string;
  readonly kind: string;
  /** The proxy's service. */
  readonly service: string;
  readonly traceId: string;
  readonly tags: Readonly<Record<string, string>>;
  /** What OpenTelemetry says of the proxy. */
  readonly resource: Readonly<Record<string, string>>;
}

export interface LogRecord {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Entry {
  readonly logName: string;
  readonly http?: HTTPAccessLogEntry;
  readonly tcp?: TCPAccessLogEntry;
}

/** A request to one of the HTTP receivers. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Buffer;
}

/** Receivers of traces and logs in this process, on Unix sockets: upstreams of a lab hand their connections on to them (`relay`). */
export class Receivers {
  readonly spans: Span[] = [];
  readonly records: LogRecord[] = [];
  readonly entries: Entry[] = [];
  readonly requests: Received[] = [];
  /** Paths of calls and, of SkyWalking, what they carried. */
  readonly segments: string[] = [];
  readonly #close: (() => Promise<unknown>)[] = [];

  /** Serves OTLP, Envoy's access log service and SkyWalking. */
  async grpc(path: string): Promise<void> {
    const server = createGrpcServer({
      ...{ name: "receivers", address: { path }, metrics: createMetrics() },
      services: [
        rawUnary("/opentelemetry.proto.collector.trace.v1.TraceService/Export", (bytes) => {
          this.#otlp(fromBinary(ExportTraceServiceRequestSchema, bytes), "otlp");
          return Promise.resolve(new Uint8Array(0));
        }),
        rawUnary("/opentelemetry.proto.collector.logs.v1.LogsService/Export", (bytes) => {
          for (const { scopeLogs } of fromBinary(ExportLogsServiceRequestSchema, bytes).resourceLogs)
            for (const { logRecords } of scopeLogs)
              for (const { body, attributes } of logRecords)
                this.records.push({ body: String(body?.value.value ?? ""), attributes: texts(attributes) });
          return Promise.resolve(new Uint8Array(0));
        }),
        rawDuplex("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", (stream) => {
          let logName = "";
          stream.onMessage((bytes) => {
            const { identifier, logEntries } = fromBinary(StreamAccessLogsMessageSchema, bytes);
            logName = identifier?.logName ?? logName;
            if (logEntries.case === "httpLogs")
              for (const http of logEntries.value.logEntry) this.entries.push({ logName, http });
            if (logEntries.case === "tcpLogs")
              for (const tcp of logEntries.value.logEntry) this.entries.push({ logName, tcp });
          });
          stream.onEnd(() => stream.end());
        }),
        rawDuplex("/skywalking.v3.TraceSegmentReportService/collect", (stream) => {
          stream.onMessage((bytes) => void this.segments.push(Buffer.from(bytes).toString("latin1")));
          stream.onEnd(() => stream.end());
        }),
      ],
    });
    await server.start(new AbortController().signal);
    this.#close.push(async () => server.close?.());
  }

  /** Serves Zipkin's API, OTLP by HTTP and a Datadog agent. */
  async http(path: string): Promise<void> {
    const server = createServer((req, res) => {
      const parts: Buffer[] = [];
      req.on("data", (part: Buffer) => void parts.push(part));
      req.on("end", () => {
        const bytes = Buffer.concat(parts);
        this.requests.push({ path: req.url ?? "", headers: req.headers, bytes });
        if (req.headers["content-type"]?.includes("protobuf"))
          this.#otlp(fromBinary(ExportTraceServiceRequestSchema, bytes), "otlp/http");
        else if (req.headers["content-type"]?.includes("json")) this.#zipkin(bytes.toString());
        res.writeHead(202).end("{}");
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    this.#close.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        }),
    );
  }

  #zipkin(text: string): void {
    // Datadog's tracer reports what it is in JSON, too: no list of spans.
    const spans: unknown = JSON.parse(text);
    for (const each of Array.isArray(spans) ? (spans as Record<string, never>[]) : []) {
      const { name, kind, traceId, localEndpoint, tags } = each as unknown as Span & {
        localEndpoint: { serviceName: string };
      };
      this.spans.push({ via: "zipkin", name, kind, traceId, service: localEndpoint.serviceName, tags, resource: {} });
    }
  }

  #otlp({ resourceSpans }: ExportTraceServiceRequest, via: Span["via"]): void {
    for (const { resource, scopeSpans } of resourceSpans)
      for (const { name, kind, traceId, attributes } of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({
          ...{ via, name, kind: kind === 2 ? "SERVER" : "CLIENT", traceId: Buffer.from(traceId).toString("hex") },
          service: texts(resource?.attributes ?? [])["service.name"] ?? "",
          tags: texts(attributes),
          resource: texts(resource?.attributes ?? []),
        });
  }

  /** Waits for something that was received. */
  async one<T>(what: string, list: readonly T[], is: (each: T) => boolean): Promise<T> {
    await waitFor(what, 15_000, () => list.some(is), 20);
    return list.find(is) as T;
  }

  async close(): Promise<void> {
    for (const each of this.#close) await each();
  }
}

function texts(list: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(list.map(({ key, value }) => [key, String(value?.value.value ?? "")]));
}
