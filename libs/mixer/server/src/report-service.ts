import { XebecError } from "@xebec/core-errors";
import { joinErrors } from "@xebec/mixer-runtime";
import { type CompressedBag, ReportReader } from "@xebec/model-attributes/wire";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { handOver, MOST_ELEMENTS } from "./long-report.ts";
import { type MixerServiceParts, makeBag, snapshotOf } from "./service-parts.ts";

const EMPTY = Buffer.alloc(0);

/** `istio.mixer.v1.Mixer/Report`: answers when all handlers have taken their instances (docs/reference/mixer.md §2, §7.4). */
export function reportService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => makeBag(layout, index));
  const answer = (errors: readonly Error[]): Buffer => {
    if (errors.length === 0) return EMPTY;
    meters.reportErrors(errors.length);
    throw new XebecError("unknown", joinErrors(errors));
  };
  return rawUnary("/istio.mixer.v1.Mixer/Report", (bytes) => {
    const reader = new ReportReader(bytes, MOST_ELEMENTS);
    shedder.admit(reader.size);
    const since = shedder.begin();
    const snapshot = snapshotOf(runtime);
    const bag = pool.take(snapshot);
    const batch = snapshot.report();
    const add = (each: CompressedBag): boolean => {
      batch.add(each);
      return !batch.full;
    };
    const fill = (): boolean => {
      const more = reader.read(bag, add);
      if (!more) for (const error of reader.errors) batch.fail(error);
      return more;
    };
    const done = (): void => {
      // Instances may read the bag's words until their handlers have answered.
      pool.give(bag);
      meters.bags(reader.delivered);
      shedder.end(since);
    };
    const errors = fill() ? handOver(snapshot, batch, fill) : batch.flush();
    if (errors instanceof Promise) return errors.finally(done).then(answer);
    done();
    return answer(errors);
  });
}
