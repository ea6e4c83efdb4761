import { readFile } from "node:fs/promises";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ProcessId } from "@xebec/platform-process";

const log = logger("local");

/** One pod as the state file remembers it, so that a new supervisor can adopt it. */
export interface PodState {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly slot: number;
  /** The Deployment and the hash of its template. */
  readonly deployment: string;
  readonly hash: string;
  /** The pod after injection. */
  readonly spec: unknown;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its last known readiness: a new supervisor must not take a pod out of the mesh only to look at it. */
  readonly ready?: boolean;
}

export interface LocalState {
  /** Marks every process of this mesh. */
  readonly runId: string;
  readonly pods: readonly PodState[];
  /** Processes by unit: `service/pilot`, `pod/default/reviews-v1-x/istio-proxy`. */
  readonly processes: Readonly<Record<string, ProcessId>>;
}

/** The supervisor's memory on disk. */
export interface StateFile {
  load(): Promise<LocalState | undefined>;
  /** Writes the newest state; calls in quick succession are joined. */
  save(): Promise<void>;
}

/** @param current gives the state to write */
export function createStateFile(path: string, current: () => LocalState): StateFile {
  let written = "";
  const writing = new Coalescer(async () => {
    const text = JSON.stringify(current());
    if (text === written) return;
    try {
      await writeFileAtomic(path, text);
      written = text;
    } catch (error) {
      log.error(
        { err: error, path },
        "the state file cannot be written; a restart of the supervisor would start everything anew",
      );
    }
  });
  return {
    async load() {
      try {
        return JSON.parse(await readFile(path, "utf8")) as LocalState;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT")
          log.warn({ err: error, path }, "the state file cannot be read; it is made anew");
        return undefined;
      }
    },
    save: () => writing.request(),
  };
}
