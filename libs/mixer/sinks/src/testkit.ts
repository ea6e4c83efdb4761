// Helpers of the tests of adapters that send to something remote.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import {
  type AdapterHost,
  type AttributeValue,
  adapterHost,
  type HandlerLimits,
  type LogEntryInstance,
  type MetricInstance,
  type ValueMap,
  type ValueType,
} from "@xebec/mixer-sdk";
import { ManualClock as SdkClock } from "@xebec/mixer-sdk/testkit";
import { createDeliver, type DeliveriesOptions } from "./delivery.ts";
import type { SpanInstance } from "./spans.ts";

/** A clock that a test moves on. */
export class ManualClock extends SdkClock {
  /** @param now milliseconds since 1970 UTC */
  constructor(now = 1_700_000_000_000) {
    super(now);
  }
}
/** What a test's server received. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Unpacked. */
  readonly body: string;
  readonly bytes: Buffer;
}

/** A server of HTTP that records what it gets, and answers as it is asked to. */
export class RecordingServer implements AsyncDisposable {
  readonly received: Received[] = [];
  /** The answer to what comes next; a function may answer by itself. */
  answer: number | ((request: Received, response: ServerResponse) => void) = 200;
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const raw = Buffer.concat(parts);
      const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
      const { method = "", url: path = "", headers } = request;
      const got = { method, path, headers, bytes, body: bytes.toString() };
      if (typeof this.answer === "function") this.answer(got, response);
      else response.writeHead(this.answer, { "content-type": "application/json" }).end("{}");
      this.received.push(got);
      for (const each of this.#waiters) if (this.received.length >= each.count) each.resolve();
    });
  });

  static async start(): Promise<RecordingServer> {
    const made = new RecordingServer();
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Waits until so many requests have come. */
  async requests(count: number): Promise<readonly Received[]> {
    if (this.received.length < count) await new Promise<void>((resolve) => this.#waiters.push({ count, resolve }));
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Limits by which handlers reach this machine and the files of no directory. */
export const LOOPBACK: HandlerLimits = {
  addressRefusal: (address) => (/^(127\.|::1$)/.test(address) ? undefined : `${address} is not open to this test`),
  fileRefusal: () => "no directory is open to files of handlers",
  directories: [],
};

/** What an adapter gets of its process, in a test. */
export function testHost(options: DeliveriesOptions & { readonly limits?: HandlerLimits } = {}): AdapterHost {
  return adapterHost({ limits: options.limits ?? LOOPBACK, deliver: createDeliver(options) });
}

const values = (given: Record<string, readonly [ValueType, AttributeValue]>): ValueMap => {
  const names = Object.keys(given).sort();
  const at = (name: string): readonly [ValueType, AttributeValue] =>
    given[name] as readonly [ValueType, AttributeValue];
  return { names, types: names.map((each) => at(each)[0]), values: names.map((each) => at(each)[1]) };
};

/** 2023-11-14T22:13:20.5Z. */
export const SAMPLE_TIME = { seconds: 1_700_000_000, nanos: 500_000_000 };

/** A sample of a metric. */
export function sampleMetric(value: AttributeValue = 2, type: ValueType = "INT64", more: object = {}): MetricInstance {
  return {
    ...{ name: "m.metric.ns", types: { value: type }, value },
    dimensions: values({ code: ["INT64", 200], path: ["STRING", "/a"] }),
    ...more,
  };
}

/** A log entry. */
export function sampleLog(more: Record<string, readonly [ValueType, AttributeValue]> = {}): LogEntryInstance {
  return {
    ...{ name: "l.logentry.ns", types: {}, timestamp: SAMPLE_TIME, severity: "Warning" },
    variables: values({
      code: ["INT64", 503],
      ip: ["IP_ADDRESS", Uint8Array.of(10, 0, 0, 1)],
      took: ["DURATION", 1_500_000],
      url: ["STRING", "/a?b"],
      ...more,
    }),
  };
}

/** A span of 1.5 ms of a server, with a parent. */
export function sampleSpan(more: object = {}): SpanInstance {
  return {
    ...{ name: "t.tracespan.ns", types: {} },
    ...{ traceId: "463ac35c9f6413ad48485a3953bb6124", spanId: "a2fb4a1d1a96d312", parentSpanId: "0020000000000001" },
    ...{
      spanName: "/productpage?x=1",
      startTime: SAMPLE_TIME,
      endTime: { seconds: 1_700_000_000, nanos: 501_500_000 },
    },
    ...{ httpStatusCode: 503, clientSpan: false, sourceName: "sleep", sourceIp: Uint8Array.of(10, 0, 0, 1) },
    ...{ destinationName: "productpage", destinationIp: Uint8Array.of(10, 0, 0, 2) },
    ...{ requestTotalSize: 100, responseTotalSize: 2_000 },
    spanTags: values({ "http.method": ["STRING", "GET"], size: ["INT64", 7] }),
    ...more,
  } as SpanInstance;
}
