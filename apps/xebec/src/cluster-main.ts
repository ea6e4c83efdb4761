// The process of a cluster: `cluster-main DIRECTORY NODES` runs its parts until SIGTERM; a part that ends is started again.
import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { Cluster } from "@xebec/platform-cluster";
import { appEntry, NODE_FLAGS } from "@xebec/platform-local/images";
import { writeClusterState } from "./cluster-state.ts";
import { ROOT } from "./paths.ts";

const log = logger("cluster");
const LOOK_MS = 500;
const [directory = "", nodes = "1"] = process.argv.slice(2);

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop.abort());

try {
  await writeClusterState(directory, { phase: "starting" });
  const cluster = await Cluster.start({
    directory,
    root: ROOT,
    nodes: Number(nodes),
    env: process.env,
    agent: [process.execPath, ...NODE_FLAGS, appEntry(ROOT, "apps/xebec").replace(/main\.(ts|mjs)$/, "node-main.$1")],
    network: (name) => writeClusterState(directory, { phase: "starting", network: name }),
    progress: (text) => log.info({ part: text }, "starting"),
  });
  const { network, plane, kubeconfig } = cluster;
  const report = (): Promise<void> =>
    writeClusterState(directory, {
      ...{ phase: "running", network: network?.name, server: plane.server, kubeconfig, nodes: Number(nodes) },
      ...(network ? { nodeIp: network.nodeIp } : {}),
      processes: Object.fromEntries(cluster.parts.map(({ name, pid }) => [name, pid])),
    });
  await report();
  while (!stop.signal.aborted) {
    await sleep(LOOK_MS, stop.signal);
    if (stop.signal.aborted || cluster.parts.every((each) => each.running)) continue;
    try {
      log.warn({ parts: await cluster.mend() }, "parts of the cluster have ended, and run again");
      await report();
    } catch (error) {
      log.error({ err: error }, "a part of the cluster does not start again; it is tried once more");
    }
  }
  await cluster.stop();
  await writeClusterState(directory, { phase: "ended" });
} catch (error) {
  const problem = isXebecError(error) ? error.message : String((error as Error).stack);
  await writeClusterState(directory, { phase: "failed", problem });
  log.error({ err: error }, "the cluster cannot run");
  process.exitCode = 1;
}
// A wait that is left over keeps nothing alive.
process.exit();
