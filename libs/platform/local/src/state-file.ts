import { readFile } from "node:fs/promises";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { readSealedJson, sealed, writeFileAtomic } from "@xebec/platform-files";
import type { MainProcess } from "./main-processes.ts";

const log = logger("local");
const FORMAT = "local-state 1";

/** One pod as the state file remembers it, so that a new supervisor can adopt it. */
export interface PodState {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly hostNumber: number;
  /** The Deployment and the hash of its template. */
  readonly deployment: string;
  readonly hash: string;
  /** The pod after injection. */
  readonly spec: unknown;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its last known readiness: a new supervisor must not take a pod out of the mesh only to look at it. */
  readonly ready?: boolean;
  /** When it was deleted, in milliseconds since 1970: it is ending, and holds its address until nothing of it runs. */
  readonly deletedAt?: number;
}

export interface LocalState {
  /** In the environment of every process of this mesh. */
  readonly runId: string;
  readonly pods: readonly PodState[];
  /** Processes by name: `service/pilot`, `pod/default/reviews-v1-x/istio-proxy`. */
  readonly processes: Readonly<Record<string, MainProcess>>;
  /** The instances that are about to be started, by name. */
  readonly starting?: Readonly<Record<string, string>>;
}

/** The supervisor's memory on disk. */
export interface StateFile {
  load(): Promise<LocalState | undefined>;
  /** Writes the newest state; calls in quick succession are joined. @returns whether it is on the disk; an error is logged */
  save(): Promise<boolean>;
}

/** What a version before checksums wrote. */
async function readUnsealed(path: string): Promise<LocalState | undefined> {
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as LocalState & { readonly checksum?: unknown };
    const isWhole = typeof value.runId === "string" && Array.isArray(value.pods) && typeof value.processes === "object";
    return isWhole && value.checksum === undefined ? value : undefined;
  } catch {
    return undefined; // the caller reports it
  }
}

/** Earlier versions wrote a pod's host number as `slot`. */
function upgraded(state: LocalState | undefined): LocalState | undefined {
  type Earlier = PodState & { readonly slot?: number };
  return (
    state && {
      ...state,
      pods: state.pods.map(({ slot, ...pod }: Earlier) => ({ ...pod, hostNumber: pod.hostNumber ?? slot ?? 0 })),
    }
  );
}

/** @param current gives the state to write */
export function createStateFile(path: string, current: () => LocalState): StateFile {
  let written = "";
  let failed = "";
  const writing = new Coalescer(async () => {
    const text = sealed(FORMAT, current());
    try {
      if (text !== written) await writeFileAtomic(path, text);
      written = text;
      failed = "";
    } catch (error) {
      const why = String(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? error);
      // It is tried again at every change, and reported once.
      if (why !== failed)
        log.error(
          { err: error, path },
          "the state file cannot be written; what changes now is found again by its environment only",
        );
      failed = why;
    }
  });
  return {
    async load() {
      try {
        return upgraded((await readSealedJson<LocalState>(path, FORMAT))?.value);
      } catch (error) {
        // A mesh that an earlier version started goes on under this one.
        const unsealed = await readUnsealed(path);
        if (unsealed) return upgraded(unsealed);
        log.warn({ err: error, path }, "the state file is not used; it is made anew");
        return undefined;
      }
    },
    async save() {
      await writing.request();
      return failed === "";
    },
  };
}
