import { StatusSchema } from "@xebec/api-mesh/google/rpc/status";
import {
  CheckRequestSchema,
  CheckResponse_PreconditionResultSchema,
  CheckResponse_QuotaResultSchema,
  CheckResponseSchema,
  HeaderOperation_Operation,
  HeaderOperationSchema,
  RouteDirectiveSchema,
} from "@xebec/api-mesh/istio/mixer/v1/mixer";
import type { CheckOutcome, HeaderOperation, Snapshot } from "@xebec/mixer-runtime";
import type { QuotaResult } from "@xebec/mixer-sdk";
import {
  asBuffer,
  type CompressedBag,
  checkWordCount,
  fieldNumbers,
  fieldTag,
  MAP_ENTRY,
  ReferenceTracker,
  Wire,
  WireWriter,
} from "@xebec/model-attributes/wire";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { addQuota, int64Of, type QuotaRequests } from "./quota-requests.ts";
import { type MixerServiceParts, makeBag, snapshotOf } from "./service-parts.ts";

const REQUEST = fieldNumbers(CheckRequestSchema);
const ATTRIBUTES_TAG = fieldTag(REQUEST.attributes, "lengthDelimited");
const WORD_COUNT_TAG = fieldTag(REQUEST.globalWordCount, "varint");
const ID_TAG = fieldTag(REQUEST.deduplicationId, "lengthDelimited");
const QUOTAS_TAG = fieldTag(REQUEST.quotas, "lengthDelimited");
const RESPONSE = fieldNumbers(CheckResponseSchema);
const PRECONDITION = fieldNumbers(CheckResponse_PreconditionResultSchema);
const QUOTA = fieldNumbers(CheckResponse_QuotaResultSchema);
const STATUS = fieldNumbers(StatusSchema);
const DIRECTIVE = fieldNumbers(RouteDirectiveSchema);
const HEADER = fieldNumbers(HeaderOperationSchema);
const OK_STATUS = new Uint8Array(0);

/** `istio.mixer.v1.Mixer/Check`, on bytes in both directions (docs/reference/mixer.md §1.1, §7). */
export function checkService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => {
    const bag = makeBag(layout, index);
    bag.tracker = new ReferenceTracker(layout);
    return bag;
  });
  const writer = new WireWriter(1024);

  const writeReferences = (tracker: ReferenceTracker, words: number): void => {
    writer.message(PRECONDITION.referencedAttributes, () => tracker.write(writer, words));
  };
  const precondition = (outcome: CheckOutcome, tracker: ReferenceTracker, words: number): void => {
    writer.message(RESPONSE.precondition, () => {
      if (outcome.code === 0) writer.data(PRECONDITION.status, OK_STATUS);
      else
        writer.message(PRECONDITION.status, () => {
          writer.int64(STATUS.code, outcome.code);
          if (outcome.message !== "") writer.text(STATUS.message, outcome.message);
        });
      writer.duration(PRECONDITION.validDuration, BigInt(Math.round(outcome.validMs * 1e6)));
      writer.uint32(PRECONDITION.validUseCount, Math.min(outcome.validUses, 0x7fffffff));
      writeReferences(tracker, words);
      const { requestHeaders, responseHeaders, direct } = outcome;
      if (requestHeaders.length + responseHeaders.length === 0 && !direct) return;
      writer.message(PRECONDITION.routeDirective, () => {
        for (const each of requestHeaders)
          writer.message(DIRECTIVE.requestHeaderOperations, () => writeOperation(each));
        for (const each of responseHeaders)
          writer.message(DIRECTIVE.responseHeaderOperations, () => writeOperation(each));
        if (direct)
          writer.uint32(DIRECTIVE.directResponseCode, direct.code).text(DIRECTIVE.directResponseBody, direct.body);
      });
    });
  };
  const writeOperation = ({ name, value, operation }: HeaderOperation): void => {
    writer.text(HEADER.name, name).text(HEADER.value, value);
    if (operation !== "REPLACE") writer.uint32(HEADER.operation, HeaderOperation_Operation[operation]);
  };
  const quotaPart = (name: string, { amount, validMs }: QuotaResult, references: Uint8Array): Buffer => {
    const part = new WireWriter(64 + references.length);
    part.message(RESPONSE.quotas, () => {
      part.text(MAP_ENTRY.key, name).message(MAP_ENTRY.value, () => {
        if (validMs > 0) part.duration(QUOTA.validDuration, BigInt(Math.round(validMs * 1e6)));
        if (amount !== 0) part.int64(QUOTA.grantedAmount, int64Of(amount));
        part.data(QUOTA.referencedAttributes, references);
      });
    });
    return part.finish();
  };

  /**
   * Asks for the quotas one after the other, each with its own record of what it looked up. What the check derived is
   * derived again: it depends on attributes that belong to the record.
   */
  const quotas = async (
    head: Buffer,
    asked: QuotaRequests,
    bag: CompressedBag,
    id: string,
    words: number,
    snapshot: Snapshot,
  ): Promise<Buffer> => {
    const parts = [head];
    const tracker = bag.tracker as ReferenceTracker;
    for (const { name, amount, bestEffort } of asked.values()) {
      tracker.rewind(0);
      bag.forgetOwn();
      const asked = snapshot.quota(bag, name, { amount, bestEffort, deduplicationId: id + name });
      const result = asked instanceof Promise ? await asked : asked;
      const references = new WireWriter();
      tracker.write(references, words);
      parts.push(quotaPart(name, result, references.finish()));
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
    let asked: QuotaRequests | undefined;
    while (wire.pos < wire.end) {
      const tag = wire.uint32();
      if (tag === ATTRIBUTES_TAG) {
        const length = wire.length();
        from = wire.pos;
        to = from + length;
        wire.pos = to;
      } else if (tag === WORD_COUNT_TAG) words = wire.uint32();
      else if (tag === ID_TAG) id = wire.text();
      else if (tag === QUOTAS_TAG) {
        asked ??= new Map();
        addQuota(asked, wire);
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
      return outcome.code === 0 && asked ? quotas(head, asked, bag, id, words, snapshot) : head;
    };
    const done = (): void => {
      shedder.end(since);
      pool.give(bag);
    };
    const outcome = snapshot.check(bag);
    const reply = outcome instanceof Promise ? outcome.then(answer) : answer(outcome);
    if (!(reply instanceof Promise)) {
      done();
      return reply;
    }
    // The handlers stay open until the last quota was asked, whatever configuration comes meanwhile.
    snapshot.retain();
    return reply.finally(() => {
      done();
      void snapshot.release();
    });
  });
}
