import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { waitFor } from "@xebec/core-async";
import type { TestCluster } from "@xebec/testing-kube";
import { chart, helm, installCrds, ROOT } from "./helm.testkit.ts";
import { ask } from "./open-loop.testkit.ts";

export const SYSTEM = "istio-system";
/** Every component of the control plane: the Deployments' names without `istio-`. */
export const COMPONENTS = ["pilot", "citadel", "galley", "sidecar-injector", "policy", "telemetry"] as const;
export type ComponentName = (typeof COMPONENTS)[number];
const SAMPLE = resolve(ROOT, "deploy/samples/bookinfo");
const WAIT_MS = 120_000;

export interface Pod {
  readonly name: string;
  readonly app: string;
  readonly ready: boolean;
  readonly restarts: number;
}

/** A mesh with two replicas of every component, three servers of the bus, two gateways, and Bookinfo. */
export class StormLab {
  readonly #cluster: TestCluster;
  /** Restarts that the test has caused, by pod. */
  readonly #killed = new Map<string, number>();
  #port = "";
  #storms = 0;
  app = "";

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async install(settings: readonly string[]): Promise<void> {
    const run = (...args: string[]): Promise<string> => helm([...args, "--namespace", SYSTEM], this.#cluster);
    await installCrds(this.#cluster);
    const set = settings.flatMap((each) => ["--set-string", each]);
    await run("install", "xebec", chart("control-plane"), "--set", "profile=ha", ...set);
    await run("install", "istio-ingressgateway", chart("gateway"), "--set", "replicaCount=2,autoscaleEnabled=false");
    // The autoscaler makes the second replica of some.
    await waitFor(
      "two replicas of everything",
      WAIT_MS,
      async () => {
        const pods = await this.pods();
        return [...COMPONENTS, "ingressgateway"].every((each) => {
          const own = pods.filter(({ app }) => app === each || app === `istio-${each}`);
          return own.length === 2 && own.every(({ ready }) => ready);
        });
      },
      500,
    );
    await this.#cluster.ready(SYSTEM, ["statefulset/xebec-nats"]);
    this.app = await this.#cluster.namespace("bookinfo", { "istio-injection": "enabled" });
    for (const file of ["platform/bookinfo.yaml", "networking/bookinfo-gateway.yaml"])
      await waitFor(file, WAIT_MS, () => this.apply(readFileSync(resolve(SAMPLE, file), "utf8")).then(() => true), 500);
    const names = ["productpage-v1", "details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"];
    await this.#cluster.ready(
      this.app,
      names.map((each) => `deployment/${each}`),
    );
    const path = 'jsonpath={.spec.ports[?(@.name=="http2")].nodePort}';
    this.#port = await this.system("get", "service", "istio-ingressgateway", "-o", path);
    await waitFor("the page", WAIT_MS, async () => (await ask(this.page)).status === 200, 100);
  }

  /** The page of Bookinfo, through the gateways. */
  get page(): string {
    return `http://${this.#cluster.nodeIp}:${this.#port}/productpage`;
  }

  system(...args: string[]): Promise<string> {
    return this.#cluster.kubectl(["-n", SYSTEM, ...args]);
  }

  apply(objects: string): Promise<string> {
    return this.#cluster.kubectl(["apply", "-n", this.app, "-f", "-"], objects);
  }

  async pods(namespace = SYSTEM): Promise<Pod[]> {
    const { items } = JSON.parse(await this.#cluster.kubectl(["-n", namespace, "get", "pods", "-o", "json"])) as {
      items: {
        metadata: { name: string; labels: Record<string, string> };
        status: { containerStatuses?: { ready: boolean; restartCount: number }[] };
      }[];
    };
    return items.map(({ metadata: { name, labels }, status: { containerStatuses = [] } }) => ({
      name,
      app: labels.app ?? "",
      ready: containerStatuses.length > 0 && containerStatuses.every(({ ready }) => ready),
      restarts: containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    }));
  }

  /** The pod that leads galley or citadel. */
  async leader(component: "galley" | "citadel"): Promise<string> {
    const holder = await this.system(
      "get",
      "lease",
      `istio-${component}-leader`,
      "-o",
      "jsonpath={.spec.holderIdentity}",
    );
    return holder.replace(/_\d+$/, "");
  }

  /** Kills the process of a pod of the control plane, as the kernel does when memory is gone. */
  kill(pod: string): void {
    const pids = processesOf(pod);
    if (pids.length === 0) throw new Error(`${pod} has no process`);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    this.#killed.set(pod, (this.#killed.get(pod) ?? 0) + 1);
  }

  /** Sends a signal to every process of some pods: SIGSTOP makes them hang. */
  signal(pods: readonly string[], signal: NodeJS.Signals): void {
    for (const pod of pods) for (const pid of processesOf(pod)) process.kill(pid, signal);
  }

  /** A new VirtualService with a host of its own; its answer tells that it is in effect at both gateways. @returns its host */
  async newHost(): Promise<string> {
    const name = `storm-${this.#storms + 1}`;
    await this.apply(
      JSON.stringify({
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name },
        spec: {
          hosts: [`${name}.test`],
          gateways: ["bookinfo-gateway"],
          http: [{ directResponse: { status: 200, body: { string: name } } }],
        },
      }),
    );
    this.#storms += 1;
    return `${name}.test`;
  }

  /** Hosts that were made so far. */
  get hosts(): readonly string[] {
    return Array.from({ length: this.#storms }, (_, i) => `storm-${i + 1}.test`);
  }

  /** Waits until both gateways know a host: each new connection reaches one of them by chance. @returns milliseconds */
  async inEffect(host: string, timeoutMs = 60_000): Promise<number> {
    const began = performance.now();
    let last = began;
    await waitFor(
      `the VirtualService of ${host} at the gateways`,
      timeoutMs,
      async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => ask(this.page, host)));
        last = performance.now();
        return answers.every(({ body }) => `${body}.test` === host);
      },
      50,
    );
    return last - began;
  }

  /** Waits until every pod of the control plane is ready. */
  async settled(timeoutMs = WAIT_MS): Promise<void> {
    let waiting = "";
    await waitFor(
      "all pods are ready",
      timeoutMs,
      async () => {
        waiting = (await this.pods()).flatMap(({ name, ready }) => (ready ? [] : [name])).join(", ");
        return waiting === "";
      },
      200,
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${waiting}`);
    });
  }

  /** Pods that were restarted more or less often than the test killed them. */
  async unexplainedRestarts(): Promise<string[]> {
    const pods = [...(await this.pods()), ...(await this.pods(this.app))];
    return pods
      .filter(({ name, restarts }) => restarts !== (this.#killed.get(name) ?? 0))
      .map(({ name, restarts }) => `${name}: ${restarts} restarts, killed ${this.#killed.get(name) ?? 0} times`);
  }
}

/** The processes in a pod of the control plane, which has its name in its environment. */
function processesOf(pod: string): number[] {
  return readdirSync("/proc")
    .filter((each) => /^\d+$/.test(each))
    .filter((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`POD_NAME=${pod}`)) return false;
        return !readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/usr/bin/unshare");
      } catch {
        return false; // ended meanwhile, or is a kernel's
      }
    })
    .map(Number);
}
