import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { ClusterNetwork, removeFiles } from "@xebec/platform-cluster";
import { findKubeProgram, makeKubeAssets } from "@xebec/platform-cluster/assets";
import { appEntry, NODE_ENVIRONMENT, NODE_FLAGS } from "@xebec/platform-local/images";
import { isRunning, type ProcessId, processOf } from "@xebec/platform-process";
import { type ClusterState, readClusterState, runningCluster } from "../cluster-state.ts";
import { print } from "../output.ts";
import { ROOT, runDirectory } from "../paths.ts";
import { endProcesses } from "../process-record.ts";

const STOP_MS = 60_000;
const POLL_MS = 50;

export interface ClusterUpOptions {
  readonly nodes: number;
  readonly timeout: number;
}

/** Where the files of the run directory's cluster lie. */
function clusterDirectory(): string {
  return join(runDirectory(), "cluster");
}

/** `xebec cluster up`: a Kubernetes cluster on this machine, in the background. @returns the exit code */
export async function clusterUp({ nodes, timeout }: ClusterUpOptions): Promise<number> {
  const directory = clusterDirectory();
  if (runningCluster(directory))
    throw new XebecError(
      "failed_precondition",
      `a cluster runs already in ${directory}; see it with "xebec cluster status", end it with "xebec cluster down"`,
    );
  if (nodes > 0 && process.getuid?.() !== 0)
    throw new XebecError(
      "failed_precondition",
      "a cluster with nodes needs root, because pods get network namespaces of their own; --nodes 0 runs a control plane alone, without root",
    );
  await cleanUp(directory, readClusterState(directory));
  await makeKubeAssets({
    root: ROOT,
    env: process.env,
    groups: ["etcd", "control-plane", "kubectl", ...(nodes > 0 ? (["netfilter"] as const) : [])],
    progress: (group, text) => process.stderr.write(`${group}: ${text}\n`),
  });
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const began = Date.now();
  const child = start(directory, nodes);
  const until = began + timeout * 1_000;
  for (;;) {
    await sleep(POLL_MS);
    const state = readClusterState(directory);
    const isIts = state !== undefined && state.process.pid === child.pid;
    if (isIts && state.phase === "running") {
      process.stdout.write(summary(state, Date.now() - began));
      return 0;
    }
    if (!isRunning(child)) {
      process.stderr.write(
        `xebec: the cluster could not start: ${(isIts && state.problem) || "its process has ended"}\n`,
      );
      await cleanUp(directory, readClusterState(directory));
      return 1;
    }
    if (Date.now() > until) {
      process.stderr.write(`xebec: the cluster is not ready after ${timeout} s; logs are in ${directory}\n`);
      await clusterDown();
      return 1;
    }
  }
}

function start(directory: string, nodes: number): ProcessId {
  const log = openSync(join(directory, "cluster.log"), "a", 0o600);
  const entry = appEntry(ROOT, "apps/xebec").replace(/main\.(ts|mjs)$/, "cluster-main.$1");
  const child = spawn(process.execPath, [...NODE_FLAGS, entry, directory, String(nodes)], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...NODE_ENVIRONMENT },
  });
  closeSync(log);
  child.unref();
  const id = child.pid === undefined ? undefined : processOf(child.pid);
  if (!id)
    throw new XebecError("unavailable", `the process of the cluster cannot be started; see ${directory}/cluster.log`);
  return id;
}

function summary({ server, kubeconfig, nodes, nodeIp }: ClusterState, ms: number): string {
  const kubectl = findKubeProgram("kubectl", { root: ROOT, env: process.env });
  return [
    `a Kubernetes cluster runs (${(ms / 1_000).toFixed(1)} s): ${server}, ${nodes} ${nodes === 1 ? "node" : "nodes"}`,
    ...(nodeIp ? [`  NodePorts and LoadBalancers answer on ${nodeIp}`] : []),
    "",
    `  export KUBECONFIG=${kubeconfig}`,
    ...(kubectl ? [`  export PATH=${dirname(kubectl)}:$PATH`] : []),
    "  kubectl get nodes",
    "",
    '  end it with "xebec cluster down"',
    "",
  ].join("\n");
}

/** `xebec cluster down`: ends the cluster; nothing of it stays. */
export async function clusterDown(): Promise<number> {
  const directory = clusterDirectory();
  const state = readClusterState(directory);
  const running = runningCluster(directory);
  if (running) await endProcesses([running.process], STOP_MS);
  await cleanUp(directory, state);
  print(running ? "the cluster has ended; nothing was left behind" : "no cluster ran here");
  return 0;
}

/** `xebec cluster status` */
export async function clusterStatus(): Promise<number> {
  const directory = clusterDirectory();
  const state = runningCluster(directory);
  if (!state) {
    print("no cluster runs here");
    return 1;
  }
  const { phase, server, kubeconfig, nodes, nodeIp } = state;
  print(
    [
      `cluster     ${phase}`,
      ...(server ? [`API server  ${server}`] : []),
      ...(kubeconfig ? [`kubeconfig  ${kubeconfig}`] : []),
      ...(nodes === undefined ? [] : [`nodes       ${nodes}${nodeIp ? ` on ${nodeIp}` : ""}`]),
      `logs        ${directory}`,
    ].join("\n"),
  );
  return phase === "running" ? 0 : 1;
}

/** Removes what a cluster whose process is gone has left. */
async function cleanUp(directory: string, state: ClusterState | undefined): Promise<void> {
  if (state && isRunning(state.process)) return;
  if (state?.network) await ClusterNetwork.named(state.network).remove();
  removeFiles(directory);
  for (const each of ["cluster.json", "cluster.log"]) rmSync(join(directory, each), { force: true });
}
