import { XebecError } from "@xebec/core-errors";
import { joinErrors } from "@xebec/mixer-runtime";
import { readReport, Wire } from "@xebec/model-attributes";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { type MixerFrontOptions, makeBag, snapshotOf } from "./mixer-front.ts";

const EMPTY = Buffer.alloc(0);

/** `istio.mixer.v1.Mixer/Report`: answers when all handlers have taken their instances (spec mixer §2, §7.4). */
export function reportFront({ runtime, index, shedder, meters }: MixerFrontOptions): GrpcService {
  const pool = new BagPool((layout) => makeBag(layout, index));
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
