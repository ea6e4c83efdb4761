import { Turns } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type ConfigPosition, decodeResource, type MeshConfigSpec, type Resource } from "@xebec/model-resources";
import { decodeWorkloadRecord, type WorkloadRecord } from "@xebec/model-workloads";
import { SnapshotBuilder, type SnapshotChange } from "@xebec/pilot-snapshot";
import { type Bus, createRevisionReader, type RevisionChange, type RevisionReader } from "@xebec/platform-bus";

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

/** Makes snapshots of the buckets `config` and `workloads`. It owns the current one. */
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

  // Generations are applied one after the other, in turns of the event loop; a small one in the first turn, at once.
  let last: Promise<void> | undefined;
  let fault: unknown;
  /** @throws what was wrong with the one before, so that everything is told again */
  const inOrder = (work: () => Promise<void>): void => {
    if (fault !== undefined) {
      const error = fault;
      fault = undefined;
      throw error;
    }
    const mine = (last ? last.then(work) : work())
      .catch((error: unknown) => {
        log.error({ err: error }, "a change could not be taken over");
        fault = error;
      })
      .finally(() => {
        if (last === mine) last = undefined;
      });
    last = mine;
  };

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
    apply: (change: RevisionChange) => void,
    reached?: (position: ConfigPosition) => void,
  ): RevisionReader =>
    createRevisionReader({
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
      (change) =>
        inOrder(async () => {
          const turns = new Turns();
          const config = { puts: await decoded(change.puts, decodeResource, turns), deletes: [...change.deletes] };
          took("config", await builder.applyInTurns({ config }, turns));
        }),
      (position) => {
        if (last) void last.then(() => onReached(position));
        else onReached(position);
      },
    ),
    ...(options.workloads
      ? [
          reader("workloads", (change) =>
            inOrder(async () => {
              const turns = new Turns();
              const puts = await decoded(change.puts, decodeWorkloadRecord, turns);
              took(
                "workloads",
                await builder.applyInTurns({ workloads: { puts, deletes: [...change.deletes] } }, turns),
              );
            }),
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
    missing() {
      const missing = readers.flatMap((each) => [...(each.missing?.() ?? [])]);
      if (missing.length > 0) return missing;
      if (fault !== undefined) return ["a change could not be taken over; the log says why"];
      return complete ? [] : ["the first state is being taken over"];
    },
    async close() {
      for (const each of readers) await each.close?.();
    },
  };
}

/** Decodes what can be decoded; a value that cannot is logged and left out, and disturbs no other. */
async function decoded<T extends Resource | WorkloadRecord>(
  values: ReadonlyMap<string, Uint8Array>,
  decode: (bytes: Uint8Array) => T,
  turns: Turns,
): Promise<T[]> {
  const out: T[] = [];
  for (const [key, bytes] of values) {
    try {
      out.push(decode(bytes));
    } catch (error) {
      if (!isXebecError(error)) throw error;
      log.error({ object: key, err: error }, "a value of the bus cannot be read; it is left out");
    }
    const turn = turns.next();
    if (turn) await turn;
  }
  return out;
}
