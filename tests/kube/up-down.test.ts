import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { isRunning, type ProcessId, processesWithEnv, signalProcess } from "@xebec/platform-process";
import { clusterMissing, startCluster } from "@xebec/testing-kube";
import { list, pod, workload } from "./objects.ts";

const skip = clusterMissing();

/** Network namespaces and links of the machine that are a cluster's. */
function traces(name: string): string[] {
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  const links = readdirSync("/sys/class/net");
  return [...namespaces, ...links].filter((each) => each === name || each.startsWith(`${name}-`));
}

async function runningCluster() {
  const cluster = await startCluster({ nodes: 2 });
  const home = join(cluster.directory, "..");
  const state = JSON.parse(readFileSync(join(cluster.directory, "cluster.json"), "utf8")) as {
    readonly network: string;
    readonly process: ProcessId;
  };
  const ns = await cluster.namespace("down");
  const objects = list(
    workload("Deployment", "many", { replicas: 4, container: { command: ["sleep", "infinity"] } }),
    pod("one", { container: { command: ["sleep", "infinity"] } }),
  );
  await cluster.kubectl(["-n", ns, "apply", "-f", "-"], objects);
  await cluster.ready(ns, ["deployment/many", "pod/one"]);
  return { cluster, ns, home, ...state };
}

function rules(): string {
  return execFileSync("/bin/sh", [
    "-c",
    "cat /proc/net/ip_tables_names 2>/dev/null; ls /proc/sys/net/ipv4/conf",
  ]).toString();
}

test("a cluster of two nodes runs pods on both; its end leaves no process, namespace, link or rule", {
  skip,
}, async () => {
  const before = rules();
  const { cluster, ns, home, network } = await runningCluster();
  const nodes = await cluster.kubectl(["-n", ns, "get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}"]);
  assert.deepEqual([...new Set(nodes.split(" "))].sort(), ["node", "node-2"]);
  assert.ok(traces(network).length > 5);
  await cluster.close();
  assert.deepEqual(traces(network), []);
  assert.deepEqual(processesWithEnv("XEBEC_HOME", home), []);
  assert.equal(rules(), before);
  assert.equal(existsSync(home), false);
});

test("a cluster whose process was killed leaves nothing after down either", { skip }, async () => {
  const { cluster, home, network, process: runner } = await runningCluster();
  signalProcess(runner, "SIGKILL");
  await waitFor("the end of its process", 60_000, () => !isRunning(runner));
  // Every part ends with the one that started it.
  await waitFor("the end of its parts", 60_000, () => processesWithEnv("XEBEC_HOME", home).length === 0, 50);
  await assert.rejects(cluster.close()); // the API server is gone
  execFileSync(process.execPath, [join(import.meta.dirname, "../../apps/xebec/bin/xebec.mjs"), "cluster", "down"], {
    env: { ...process.env, XEBEC_HOME: home },
  });
  rmSync(home, { recursive: true });
  assert.deepEqual(traces(network), []);
});
