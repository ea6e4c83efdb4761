import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { PROGRAMS } from "@xebec/platform-cluster/assets";
import { tempDir } from "@xebec/testing-launch";
import { kubectlOf, type RunKubectl } from "./kubectl.ts";
import { PLACES } from "./places.ts";
import { kubeMissing } from "./start-kube.ts";

/** The run directory of a cluster that all files of a test run share; `npm test -- kube` sets it. */
const SHARED = "XEBEC_TEST_CLUSTER";
const UP_MS = 240_000;

/** A cluster whose pods run. */
export interface TestCluster extends AsyncDisposable {
  readonly server: string;
  readonly kubeconfig: string;
  /** NodePorts and LoadBalancers answer here. */
  readonly nodeIp: string;
  /** Its run directory; `images` in it takes OCI archives. */
  readonly directory: string;
  readonly kubectl: RunKubectl;
  /** The process id of `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `node-agent`: one that is killed is started again. */
  pid(part: string): number;
  /** Makes a namespace for one test file; it goes with it. @returns its name */
  namespace(prefix: string, labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Waits until all of these are ready, for example `deployment/web`. @throws Error with what the cluster says of the pods */
  ready(namespace: string, resources: readonly string[], timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** The reason to skip a test that needs a cluster with pods; undefined when there is none. */
export function clusterMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "a cluster with nodes needs root";
  return kubeMissing(PROGRAMS);
}

/**
 * The cluster of this test run, or one of its own, which takes about ten seconds to start. Each test file works in namespaces of its own
 * and leaves what belongs to the whole cluster as it was.
 */
export async function useCluster(): Promise<TestCluster> {
  const shared = process.env[SHARED];
  return shared ? attach(shared, async () => {}) : startCluster();
}

/** Starts a cluster for one test file alone. @throws Error with what `xebec cluster up` says */
export async function startCluster(options: { readonly nodes?: number } = {}): Promise<TestCluster> {
  const folder = tempDir();
  const xebec = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(PLACES.root, "apps/xebec/bin/xebec.mjs"), "cluster", ...args], {
      env: { ...process.env, XEBEC_HOME: folder.path },
      timeout: UP_MS,
    });
  const close = async (): Promise<void> => {
    await xebec("down");
    folder.remove();
  };
  try {
    await xebec("up", "--nodes", String(options.nodes ?? 1));
  } catch (error) {
    await close();
    throw error;
  }
  return attach(folder.path, close);
}

async function attach(home: string, end: () => Promise<void>): Promise<TestCluster> {
  const directory = join(home, "cluster");
  const read = () =>
    JSON.parse(readFileSync(join(directory, "cluster.json"), "utf8")) as {
      readonly server: string;
      readonly kubeconfig: string;
      readonly nodeIp: string;
      readonly processes: Readonly<Record<string, number>>;
    };
  const state = read();
  const kubectl = kubectlOf(state.kubeconfig);
  const namespaces: string[] = [];
  const close = async (): Promise<void> => {
    if (namespaces.length > 0)
      await kubectl(["delete", "namespace", "--ignore-not-found", "--wait=false", ...namespaces]);
    await end();
  };
  return {
    ...{ server: state.server, kubeconfig: state.kubeconfig, nodeIp: state.nodeIp, directory, kubectl },
    pid(part) {
      const pid = read().processes[part];
      if (pid === undefined) throw new XebecError("not_found", `the cluster has no part ${part} that runs`);
      return pid;
    },
    async namespace(prefix, labels = {}) {
      const name = `${prefix}-${Math.random().toString(36).slice(2, 7)}`;
      namespaces.push(name);
      const object = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
      await kubectl(["create", "-f", "-"], JSON.stringify(object));
      // Pods are refused before it has its account.
      await waitFor("the namespace's ServiceAccount", 20_000, () => kubectl(["get", "sa", "default", "-n", name]), 50);
      return name;
    },
    async ready(namespace, resources, timeoutMs = 60_000) {
      try {
        for (const each of resources) {
          const isRollout = /^(deployment|statefulset|daemonset)/.test(each);
          const words = isRollout
            ? ["rollout", "status", each, `--timeout=${timeoutMs}ms`]
            : ["wait", "--for=condition=Ready", each, `--timeout=${timeoutMs}ms`];
          await kubectl(["-n", namespace, ...words]);
        }
      } catch (error) {
        const pods = await kubectl(["-n", namespace, "get", "pods", "-o", "wide"]);
        const events = await kubectl(["-n", namespace, "get", "events"]);
        throw new XebecError("failed_precondition", `${(error as Error).message}\n${pods}\n${events.slice(-4_000)}`);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
