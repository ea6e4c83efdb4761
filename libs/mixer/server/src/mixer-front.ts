import { XebecError } from "@xebec/core-errors";
import {
  type CheckOutcome,
  type HeaderOperation,
  joinErrors,
  type MixerRuntime,
  type Snapshot,
} from "@xebec/mixer-runtime";
import type { QuotaResult } from "@xebec/mixer-sdk";
import {
  asBuffer,
  CompressedBag,
  checkWordCount,
  type Layout,
  ReferenceTracker,
  readReport,
  Wire,
  WireWriter,
} from "@xebec/model-attributes";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { deriveWorkload } from "./derive.ts";
import type { LoadShedder } from "./load-shedding.ts";
import type { MixerMeters } from "./meters.ts";
import type { WorkloadIndex } from "./workload-index.ts";

export interface MixerFrontOptions {
  readonly runtime: MixerRuntime;
  readonly index: WorkloadIndex;
  readonly shedder: LoadShedder;
  readonly meters: MixerMeters;
}

/** The configuration in effect. @throws XebecError unavailable before there is any: the caller tries again */
export function snapshotOf(runtime: MixerRuntime): Snapshot {
  const { snapshot } = runtime;
  if (!snapshot) throw new XebecError("unavailable", "the configuration is not there yet; try again");
  return snapshot;
}

function makeBag(layout: Layout, index: WorkloadIndex, tracked: boolean): CompressedBag {
  const bag = new CompressedBag(layout);
  bag.derive = deriveWorkload(index, layout);
  if (tracked) bag.tracker = new ReferenceTracker(layout);
  return bag;
}

interface QuotaRequest {
  name: string;
  amount: number;
  bestEffort: boolean;
}

const OPERATIONS = { REPLACE: 0, REMOVE: 1, APPEND: 2 } as const;
const OK_STATUS = new Uint8Array(0);

/** `istio.mixer.v1.Mixer/Check`, on bytes in both directions (spec mixer §1.1, §7). */
export function checkFront({ runtime, index, shedder, meters }: MixerFrontOptions): GrpcService {
  const pool = new BagPool((layout) => makeBag(layout, index, true));
  const writer = new WireWriter(1024);

  const writeReferences = (tracker: ReferenceTracker, words: number): void => {
    writer.message(5, () => tracker.write(writer, words));
  };
  const precondition = (outcome: CheckOutcome, tracker: ReferenceTracker, words: number): void => {
    writer.message(2, () => {
      if (outcome.code === 0) writer.data(1, OK_STATUS);
      else
        writer.message(1, () => {
          writer.uint32(1, outcome.code);
          if (outcome.message !== "") writer.text(2, outcome.message);
        });
      writer.duration(2, BigInt(Math.round(outcome.validMs * 1e6)));
      writer.uint32(3, Math.min(outcome.validUses, 0x7fffffff));
      writeReferences(tracker, words);
      const { requestHeaders, responseHeaders, direct } = outcome;
      if (requestHeaders.length + responseHeaders.length === 0 && !direct) return;
      writer.message(6, () => {
        for (const each of requestHeaders) writer.message(1, () => writeOperation(each));
        for (const each of responseHeaders) writer.message(2, () => writeOperation(each));
        if (direct) writer.uint32(3, direct.code).text(4, direct.body);
      });
    });
  };
  const writeOperation = ({ name, value, operation }: HeaderOperation): void => {
    writer.text(1, name).text(2, value);
    if (operation !== "REPLACE") writer.uint32(3, OPERATIONS[operation]);
  };
  const quotaPart = (name: string, { amount, validMs }: QuotaResult, references: Uint8Array): Buffer => {
    const part = new WireWriter(64 + references.length);
    part.message(3, () => {
      part.text(1, name).message(2, () => {
        if (validMs > 0) part.duration(1, BigInt(Math.round(validMs * 1e6)));
        if (amount !== 0) part.int64(2, amount);
        part.data(5, references);
      });
    });
    return part.finish();
  };

  /** Asks for the quotas one after the other, each with its own record of what it looked up. */
  const quotas = async (
    head: Buffer,
    asked: readonly QuotaRequest[],
    bag: CompressedBag,
    mark: number,
    id: string,
    words: number,
    snapshot: Snapshot,
  ): Promise<Buffer> => {
    const parts = [head];
    const tracker = bag.tracker as ReferenceTracker;
    for (const { name, amount, bestEffort } of asked) {
      tracker.rewind(mark);
      const result = snapshot.quota(bag, name, { amount, bestEffort, deduplicationId: id + name });
      const references = new WireWriter();
      tracker.write(references, words);
      parts.push(quotaPart(name, result instanceof Promise ? await result : result, references.finish()));
    }
    return Buffer.concat(parts);
  };

  return rawUnary("/istio.mixer.v1.Mixer/Check", (bytes) => {
    shedder.admit(1);
    const since = shedder.begin();
    const snapshot = snapshotOf(runtime);
    const wire = new Wire(bytes);
    let from = 0;
    let to = 0;
    let words = 0;
    let id = "";
    let asked: QuotaRequest[] | undefined;
    while (wire.pos < wire.end) {
      const tag = wire.uint32();
      if (tag === 10) {
        const length = wire.length();
        from = wire.pos;
        to = from + length;
        wire.pos = to;
      } else if (tag === 16) words = wire.uint32();
      else if (tag === 26) id = wire.text();
      else if (tag === 34) {
        asked ??= [];
        asked.push(readQuota(wire));
      } else wire.skip(tag & 7);
    }
    checkWordCount(words);
    const bag = pool.take(snapshot);
    const tracker = bag.tracker as ReferenceTracker;
    tracker.rewind(0);
    bag.start(asBuffer(bytes));
    bag.read(from, to, undefined, false);
    const answer = (outcome: CheckOutcome): Buffer | Promise<Buffer> => {
      precondition(outcome, tracker, words);
      meters.check(outcome.code);
      const head = writer.finish();
      return outcome.code === 0 && asked ? quotas(head, asked, bag, 0, id, words, snapshot) : head;
    };
    const done = (): void => {
      shedder.end(since);
      pool.give(bag);
    };
    const outcome = snapshot.check(bag);
    if (outcome instanceof Promise) return outcome.then(answer).finally(done);
    const reply = answer(outcome);
    if (reply instanceof Promise) return reply.finally(done);
    done();
    return reply;
  });
}

/** An entry of map<string, QuotaParams>. */
function readQuota(wire: Wire): QuotaRequest {
  const out: QuotaRequest = { name: "", amount: 0, bestEffort: false };
  const stop = wire.length() + wire.pos;
  while (wire.pos < stop) {
    const tag = wire.uint32();
    if (tag === 10) out.name = wire.text();
    else if (tag === 18) {
      const end = wire.length() + wire.pos;
      while (wire.pos < end) {
        const inner = wire.uint32();
        if (inner === 8) out.amount = Number(wire.int64());
        else if (inner === 16) out.bestEffort = wire.uint32() !== 0;
        else wire.skip(inner & 7);
      }
    } else wire.skip(tag & 7);
  }
  return out;
}

const EMPTY = Buffer.alloc(0);

/** `istio.mixer.v1.Mixer/Report`: answers when all handlers have taken their instances (spec mixer §2, §7.4). */
export function reportFront({ runtime, index, shedder, meters }: MixerFrontOptions): GrpcService {
  const pool = new BagPool((layout) => makeBag(layout, index, false));
  const answer = (errors: readonly Error[]): Buffer => {
    if (errors.length === 0) return EMPTY;
    meters.reportErrors(errors.length);
    throw new XebecError("unknown", joinErrors(errors));
  };
  return rawUnary("/istio.mixer.v1.Mixer/Report", (bytes) => {
    shedder.admit(countElements(bytes));
    const since = shedder.begin();
    const snapshot = snapshotOf(runtime);
    const bag = pool.take(snapshot);
    const batch = snapshot.report();
    let bags = 0;
    try {
      const faults = readReport(bytes, bag, (each) => {
        bags++;
        batch.add(each);
      });
      for (const fault of faults) batch.fail(fault);
    } finally {
      pool.give(bag);
      meters.bags(bags);
    }
    const errors = batch.flush();
    if (errors instanceof Promise) return errors.then(answer).finally(() => shedder.end(since));
    shedder.end(since);
    return answer(errors);
  });
}

/** How many bags a ReportRequest holds. */
function countElements(bytes: Buffer): number {
  const wire = new Wire(bytes);
  let count = 0;
  while (wire.pos < wire.end) {
    const tag = wire.uint32();
    if (tag === 10) count++;
    wire.skip(tag & 7);
  }
  return count;
}
