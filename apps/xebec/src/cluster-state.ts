import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "@xebec/platform-files";
import { isRunning, type ProcessId, processOf } from "@xebec/platform-process";

/** What a run directory remembers of its cluster. */
export interface ClusterState {
  /** The process that runs it. */
  readonly process: ProcessId;
  readonly phase: "starting" | "running" | "ended" | "failed";
  /** Why it has failed. */
  readonly problem?: string;
  /** The name of its network namespace. */
  readonly network?: string | undefined;
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly nodes?: number;
  readonly nodeIp?: string;
  /** The process ids of its parts: `etcd`, `kube-apiserver`, `node-agent`. */
  readonly processes?: Readonly<Record<string, number | undefined>>;
}

function fileOf(directory: string): string {
  return join(directory, "cluster.json");
}

/** Writes the state of the cluster that this process runs. */
export async function writeClusterState(directory: string, state: Omit<ClusterState, "process">): Promise<void> {
  const own = processOf(process.pid);
  await writeFileAtomic(fileOf(directory), `${JSON.stringify({ process: own, ...state })}\n`);
}

/** @returns undefined when no cluster was ever started there */
export function readClusterState(directory: string): ClusterState | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(directory), "utf8")) as ClusterState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The state of a cluster whose process runs. */
export function runningCluster(directory: string): ClusterState | undefined {
  const state = readClusterState(directory);
  return state && isRunning(state.process) ? state : undefined;
}
