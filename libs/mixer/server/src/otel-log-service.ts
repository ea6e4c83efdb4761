import { setImmediate as turn } from "node:timers/promises";
import { XebecError } from "@xebec/core-errors";
import type { Snapshot } from "@xebec/mixer-runtime";
import { WireWriter } from "@xebec/model-attributes/wire";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import type { Reporter } from "./access-log-entry.ts";
import { noteErrors } from "./access-log-service.ts";
import { BagPool } from "./bag-pool.ts";
import { OtelBag } from "./otel-bag.ts";
import { type OtelExport, OtelExportReader, type OtelSender } from "./otel-export.ts";
import { EXPORT_RESPONSE, PARTIAL_SUCCESS } from "./otlp-wire.ts";
import { reportEntries } from "./report-entries.ts";
import { reporterOfNode } from "./reporter-of-node.ts";
import { type MixerServiceParts, snapshotOf } from "./service-parts.ts";

const EMPTY = Buffer.alloc(0);
/** So many bytes wait at most; beyond that proxies have to send again. */
const MOST_WAITING = 64 << 20;
/** So many entries are in one commit, about. */
const ENTRIES_PER_COMMIT = 500;

interface Waiting {
  readonly bytes: Buffer;
  readonly answer: (bytes: Buffer) => void;
  readonly fail: (error: unknown) => void;
}

/** A request that was read, and which of its entries are new. */
interface Taken extends Waiting {
  readonly request: OtelExport;
  readonly fresh: readonly number[];
}

/**
 * `opentelemetry.proto.collector.logs.v1.LogsService/Export`: reports of Envoy's OpenTelemetry access logger, which sends an entry until
 * it is acknowledged. Each is counted once, and acknowledged when it is kept (docs/adr/0023-durable-reports.md). Requests wait for each
 * other, so that a commit has whole requests.
 */
export function otelLogService({ runtime, index, shedder, meters, standard, ledger }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => new OtelBag(layout, index));
  const reader = new OtelExportReader();
  const waiting: Waiting[] = [];
  let bytesWaiting = 0;
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    try {
      while (waiting.length > 0) await round();
    } finally {
      isRunning = false;
    }
  }

  async function round(): Promise<void> {
    const taken: Taken[] = [];
    let entries = 0;
    while (entries < ENTRIES_PER_COMMIT) {
      const next = waiting.shift();
      if (!next) break;
      bytesWaiting -= next.bytes.length;
      try {
        const request = take(next, taken);
        entries += request.fresh.length;
        await report(snapshotOf(runtime), request);
      } catch (error) {
        next.fail(error);
      }
      // A long request has its own turns.
    }
    try {
      await ledger.commit();
      for (const { request, answer } of taken) answer(answerOf(request));
    } catch (error) {
      for (const { fail } of taken) fail(error);
    }
    ledger.tidy();
    await turn();
  }

  function take(next: Waiting, taken: Taken[]): Taken {
    // Before there is a configuration an entry must not be remembered.
    snapshotOf(runtime);
    const request = reader.read(next.bytes);
    const fresh: number[] = [];
    for (const [entry, id] of request.ids.entries()) if (ledger.enter(id)) fresh.push(entry);
    const duplicates = request.ids.length - fresh.length;
    meters.entries(fresh.length, duplicates, request.refused);
    const one = { ...next, request, fresh };
    taken.push(one);
    return one;
  }

  async function report(snapshot: Snapshot, { request, fresh }: Taken): Promise<void> {
    if (fresh.length === 0) return;
    const { bytes, places, senders } = request;
    const reporters = new Map<OtelSender, Reporter>();
    const reporterOf = (sender: OtelSender): Reporter => {
      let reporter = reporters.get(sender);
      if (!reporter) {
        reporter = reporterOfNode(index, sender.kind, sender.node, {});
        reporters.set(sender, reporter);
      }
      return reporter;
    };
    const bag = pool.take(snapshot);
    const start = (each: OtelBag, i: number): void => {
      const entry = fresh[i] as number;
      const sender = senders[entry] as OtelSender;
      const [pos, end] = [places[2 * entry] as number, places[2 * entry + 1] as number];
      each.start(reporterOf(sender), sender.isHttp, bytes, pos, end);
    };
    const errors = await reportEntries(snapshot, bag, fresh.length, start, standard);
    pool.give(bag);
    meters.bags(fresh.length);
    noteErrors(errors, meters);
  }

  ledger.whenIdle(() => !isRunning);
  return rawUnary("/opentelemetry.proto.collector.logs.v1.LogsService/Export", (bytes) => {
    shedder.admit(1);
    snapshotOf(runtime);
    if (bytesWaiting + bytes.length > MOST_WAITING)
      throw new XebecError("unavailable", "too many reports wait; try again");
    bytesWaiting += bytes.length;
    return new Promise<Buffer>((answer, fail) => {
      waiting.push({ bytes, answer, fail });
      if (!isRunning) void run();
    });
  });
}

/** Says what was refused: Envoy counts it, and does not send it again. */
function answerOf({ refused, why }: OtelExport): Buffer {
  if (refused === 0) return EMPTY;
  return new WireWriter()
    .message(EXPORT_RESPONSE.partialSuccess, (writer) => {
      writer.int64(PARTIAL_SUCCESS.rejectedLogRecords, refused);
      writer.text(PARTIAL_SUCCESS.errorMessage, why);
    })
    .finish();
}
