import { logger } from "@xebec/core-log";
import { type GrpcService, type RawStream, rawClientStream } from "@xebec/platform-grpc";
import { AccessLogBag, type Reporter } from "./access-log-bag.ts";
import { BagPool } from "./bag-pool.ts";
import { checkLength, handOver } from "./long-report.ts";
import { MessageView } from "./message-view.ts";
import type { MixerMeters } from "./meters.ts";
import { readNode } from "./node-message.ts";
import { peerOfNode } from "./peer.ts";
import type { MixerServiceParts } from "./service-parts.ts";

const log = logger("accesslogs");

/** Who sends a stream; told by its first message. */
interface Sender {
  readonly kind: Reporter["kind"];
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const HTTP_LOGS = 2;
const TCP_LOGS = 3;

/** `envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs`: every entry is a report. */
export function accessLogService({ runtime, index, meters }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => new AccessLogBag(layout, index));
  return rawClientStream("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", (stream) => {
    const message = new MessageView(3);
    const identifier = new MessageView(2);
    const entries = new MessageView(1);
    let sender: Sender = { kind: "inbound", id: "", metadata: {} };

    const reporterOf = (): Reporter => {
      const pod = sender.id.split("~")[2];
      // The registry knows more than the proxy tells, and knows it newer.
      const peer =
        (pod && index.byUid(`kubernetes://${pod}`)) || (sender.id ? peerOfNode(sender.id, sender.metadata) : undefined);
      return { kind: sender.kind, peer };
    };

    stream.onMessage((bytes) => {
      message.read(bytes, 0, bytes.length);
      if (message.message(1, identifier)) sender = readSender(identifier);
      const { snapshot } = runtime;
      // Before the first configuration there is nothing to report to.
      if (!snapshot) return;
      const places: number[] = [];
      const collect = (pos: number, end: number): void => void places.push(pos, end);
      if (message.message(HTTP_LOGS, entries)) entries.forEach(1, collect);
      const http = places.length;
      if (message.message(TCP_LOGS, entries)) entries.forEach(1, collect);
      checkLength("a message of access logs", places.length / 2);
      const reporter = reporterOf();
      const batch = snapshot.report();
      const bag = pool.take(snapshot);
      let next = 0;
      const fill = (): boolean => {
        while (next < places.length && !batch.full) {
          bag.start(reporter, next < http, bytes, places[next] as number, places[next + 1] as number);
          batch.add(bag);
          next += 2;
        }
        return next < places.length;
      };
      const done = (errors: readonly Error[]): void => {
        pool.give(bag);
        meters.bags(places.length / 2);
        told(errors, meters);
      };
      const errors = fill() ? handOver(snapshot, batch, fill) : batch.flush();
      if (errors instanceof Promise) waitFor(stream, errors, done);
      else done(errors);
    });
    stream.onEnd(() => {
      stream.write(new Uint8Array(0));
      stream.end();
    });
  });
}

function readSender(identifier: MessageView): Sender {
  const kind = identifier.text(2).endsWith("outbound") ? "outbound" : "inbound";
  const { id, metadata } = readNode(identifier, 1);
  return { kind, id, metadata };
}

/** A slow handler or a long message slows the proxies that send to it, instead of filling the memory. */
function waitFor(stream: RawStream, errors: Promise<readonly Error[]>, done: (errors: readonly Error[]) => void): void {
  stream.pause();
  errors
    .then(done)
    .catch((error: unknown) => stream.fail(error))
    .finally(() => stream.resume());
}

function told(errors: readonly Error[], meters: MixerMeters): void {
  if (errors.length === 0) return;
  meters.reportErrors(errors.length);
  log.debug({ errors: errors.slice(0, 5).map((each) => each.message) }, "parts of a report failed");
}
