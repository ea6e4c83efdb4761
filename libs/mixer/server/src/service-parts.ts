import { XebecError } from "@xebec/core-errors";
import type { MixerRuntime, Snapshot } from "@xebec/mixer-runtime";
import type { Layout } from "@xebec/model-attributes";
import { CompressedBag } from "@xebec/model-attributes/wire";
import { deriveWorkload } from "./derive.ts";
import type { Ledger } from "./ledger.ts";
import type { LoadShedder } from "./load-shedding.ts";
import type { MixerMeters } from "./meters.ts";
import type { StandardMetrics } from "./standard-metrics.ts";
import type { WorkloadIndex } from "./workload-index.ts";

/** What the gRPC services of mixer-policy and mixer-telemetry work with. */
export interface MixerServiceParts {
  readonly runtime: MixerRuntime;
  readonly index: WorkloadIndex;
  readonly shedder: LoadShedder;
  readonly meters: MixerMeters;
  /** What of reports outlasts the process. */
  readonly ledger: Ledger;
  /** Istio's standard metrics; absent in mixer-policy. */
  readonly standard?: StandardMetrics;
}

/** The configuration in effect. @throws XebecError unavailable before there is any: the caller tries again */
export function snapshotOf(runtime: MixerRuntime): Snapshot {
  const { snapshot } = runtime;
  if (!snapshot) throw new XebecError("unavailable", "the configuration is not there yet; try again");
  return snapshot;
}

/** A bag for callers of Mixer's own API, which knows of workloads what they do not send. */
export function makeBag(layout: Layout, index: WorkloadIndex): CompressedBag {
  const bag = new CompressedBag(layout);
  bag.derive = deriveWorkload(index, layout);
  return bag;
}
