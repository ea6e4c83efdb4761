import { isXebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type ConfigPosition, decodeResource, type MeshConfigSpec, type Resource } from "@xebec/model-resources";
import { decodeWorkloadRecord, type WorkloadRecord } from "@xebec/model-workloads";
import { SnapshotBuilder, type SnapshotChange } from "@xebec/pilot-snapshot";
import { type Bus, createGenerationReader, type GenerationChange, type GenerationReader } from "@xebec/platform-bus";

const log = logger("state");

export interface PilotStateOptions {
  readonly bus: Bus;
  readonly domain: string;
  readonly trustDomain: string;
  /** The mesh configuration while there is no object of it. */
  readonly mesh?: MeshConfigSpec;
  /** True when every proxy takes HTTP/1.0 from its clients. */
  readonly http10?: boolean;
  /** False when no registry is configured: then nothing waits for workloads. */
  readonly workloads: boolean;
  /** Directory of the last good state, so that a restart serves while the bus is down. */
  readonly cacheDir?: string;
  /** Gets every snapshot from the first complete one on. */
  readonly onSnapshot: (change: SnapshotChange) => void;
  /** Told how far the configuration was applied, after the snapshot that has it. */
  readonly onReached: (position: ConfigPosition) => void;
}

/** Makes snapshots of the bus states `config` and `workloads`. It owns the current one. */
export interface PilotState extends Component {
  readonly builder: SnapshotBuilder;
}

export function createPilotState(options: PilotStateOptions): PilotState {
  const { bus, domain, trustDomain, mesh, http10 = false, cacheDir, onSnapshot, onReached } = options;
  const builder = new SnapshotBuilder({ domain, trustDomain, http10, ...(mesh ? { mesh } : {}) });
  const have = { config: false, workloads: !options.workloads };
  // Nothing is served before both states are whole; what changed until then is served with them.
  const before = new Set<string>();
  let complete = false;

  const took = (state: keyof typeof have, change: SnapshotChange): void => {
    have[state] = true;
    if (!have.config || !have.workloads) {
      for (const key of change.changed) before.add(key);
      return;
    }
    if (complete) {
      if (change.changed.size > 0) onSnapshot(change);
      return;
    }
    complete = true;
    onSnapshot({ snapshot: change.snapshot, changed: new Set([...before, ...change.changed]) });
  };
  const reader = (
    bucket: "config" | "workloads",
    apply: (change: GenerationChange) => void,
    reached?: (position: ConfigPosition) => void,
  ): GenerationReader =>
    createGenerationReader({
      bus,
      bucket,
      name: `pilot ${bucket}`,
      ...(cacheDir ? { cacheFile: `${cacheDir}/${bucket}.cache` } : {}),
      apply,
      ...(reached ? { reached } : {}),
    });
  const readers = [
    reader(
      "config",
      (change) => {
        const config = { puts: decoded(change.puts, decodeResource), deletes: [...change.deletes] };
        took("config", builder.apply({ config }));
      },
      onReached,
    ),
    ...(options.workloads
      ? [
          reader("workloads", (change) =>
            took(
              "workloads",
              builder.apply({
                workloads: { puts: decoded(change.puts, decodeWorkloadRecord), deletes: [...change.deletes] },
              }),
            ),
          ),
        ]
      : []),
  ];
  return {
    name: "state",
    builder,
    async start(signal) {
      for (const each of readers) await each.start(signal);
    },
    missing: () => readers.flatMap((each) => [...(each.missing?.() ?? [])]),
    async close() {
      for (const each of readers) await each.close?.();
    },
  };
}

/** Decodes what can be decoded; a value that cannot is logged and left out, and disturbs no other. */
function decoded<T extends Resource | WorkloadRecord>(
  values: ReadonlyMap<string, Uint8Array>,
  decode: (bytes: Uint8Array) => T,
): T[] {
  const out: T[] = [];
  for (const [key, bytes] of values)
    try {
      out.push(decode(bytes));
    } catch (error) {
      if (!isXebecError(error)) throw error;
      log.error({ object: key, err: error }, "a value of the bus cannot be read; it is left out");
    }
  return out;
}
