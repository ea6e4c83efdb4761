import {
  StreamAccessLogsMessage_HTTPAccessLogEntriesSchema,
  StreamAccessLogsMessage_IdentifierSchema,
  StreamAccessLogsMessageSchema,
} from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { logger } from "@xebec/core-log";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { type GrpcService, type RawStream, rawClientStream } from "@xebec/platform-grpc";
import { AccessLogBag } from "./access-log-bag.ts";
import type { Reporter } from "./access-log-entry.ts";
import { BagPool } from "./bag-pool.ts";
import { checkLength } from "./long-report.ts";
import { MessageView } from "./message-view.ts";
import type { MixerMeters } from "./meters.ts";
import { readNode } from "./node-message.ts";
import { reportEntries } from "./report-entries.ts";
import { reporterOfNode } from "./reporter-of-node.ts";
import type { MixerServiceParts } from "./service-parts.ts";

const log = logger("accesslogs");

/** Who sends a stream, as its first message says. */
interface Sender {
  readonly kind: Reporter["kind"];
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const MESSAGE = fieldNumbers(StreamAccessLogsMessageSchema);
const IDENTIFIER = fieldNumbers(StreamAccessLogsMessage_IdentifierSchema);
/** The same field in the lists of both sorts of entries. */
const LOG_ENTRY = fieldNumbers(StreamAccessLogsMessage_HTTPAccessLogEntriesSchema).logEntry;

/** `envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs`: every entry is a report. */
export function accessLogService({ runtime, index, meters, standard }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => new AccessLogBag(layout, index));
  return rawClientStream("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", (stream) => {
    const message = new MessageView(StreamAccessLogsMessageSchema);
    const identifier = new MessageView(StreamAccessLogsMessage_IdentifierSchema);
    const entries = new MessageView(StreamAccessLogsMessage_HTTPAccessLogEntriesSchema);
    let sender: Sender = { kind: "inbound", id: "", metadata: {} };

    stream.onMessage((bytes) => {
      message.read(bytes, 0, bytes.length);
      if (message.message(MESSAGE.identifier, identifier)) sender = readSender(identifier);
      const { snapshot } = runtime;
      // Before the first configuration there is nothing to report to.
      if (!snapshot) return;
      const places: number[] = [];
      const collect = (pos: number, end: number): void => void places.push(pos, end);
      if (message.message(MESSAGE.httpLogs, entries)) entries.forEach(LOG_ENTRY, collect);
      const http = places.length;
      if (message.message(MESSAGE.tcpLogs, entries)) entries.forEach(LOG_ENTRY, collect);
      checkLength("a message of access logs", places.length / 2);
      const reporter = reporterOfNode(index, sender.kind, sender.id, sender.metadata);
      const bag = pool.take(snapshot);
      const done = (errors: readonly Error[]): void => {
        pool.give(bag);
        meters.bags(places.length / 2);
        noteErrors(errors, meters);
      };
      const start = (each: AccessLogBag, entry: number): void =>
        each.start(reporter, 2 * entry < http, bytes, places[2 * entry] as number, places[2 * entry + 1] as number);
      const errors = reportEntries(snapshot, bag, places.length / 2, start, standard);
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
  const kind = identifier.text(IDENTIFIER.logName).endsWith("outbound") ? "outbound" : "inbound";
  const { id, metadata } = readNode(identifier, IDENTIFIER.node);
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

/** Counts and logs what failed of a report. */
export function noteErrors(errors: readonly Error[], meters: MixerMeters): void {
  if (errors.length === 0) return;
  meters.reportErrors(errors.length);
  log.debug({ errors: errors.slice(0, 5).map((each) => each.message) }, "parts of a report failed");
}
