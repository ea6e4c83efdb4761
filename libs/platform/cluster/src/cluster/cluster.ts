import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { findProgram, type ProgramName } from "@xebec/platform-process";
import { findKubeAssets, findKubeProgram } from "../assets/find.ts";
import { KUBERNETES_VERSION } from "../assets/pins.ts";
import { CLUSTER_DOMAIN, ControlPlane, SERVICE_CIDR } from "../control-plane/control-plane.ts";
import { Part } from "../control-plane/part.ts";
import { ClusterNetwork } from "./network.ts";

export interface ClusterOptions {
  /** Everything of the cluster lies here; it is removed at the end, but for the folder `images`. */
  readonly directory: string;
  /** The working copy. */
  readonly root: string;
  /** How many nodes; 0: a control plane alone, which needs no root. */
  readonly nodes: number;
  /** The command of the node agent; the path of its options follows. */
  readonly agent: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Called with the network's name before anything runs in it, so that it can be removed whatever happens. */
  readonly network?: (name: string) => Promise<void>;
  /** What is being waited for. */
  readonly progress?: (text: string) => void;
}

const API_PORT = 6_443;
const DNS_IP = "10.96.0.10";
const AGENT_GRACE_MS = 20_000;

/** A whole cluster on this machine: control plane and nodes. */
export class Cluster {
  readonly plane: ControlPlane;
  readonly network: ClusterNetwork | undefined;
  readonly #options: ClusterOptions;
  #agent: Part | undefined;

  private constructor(options: ClusterOptions, plane: ControlPlane, network: ClusterNetwork | undefined) {
    this.#options = options;
    this.plane = plane;
    this.network = network;
  }

  /** The path of the kubeconfig of its administrator. */
  get kubeconfig(): string {
    return this.plane.kubeconfig();
  }

  /** The node agent: it can be ended, hung and started again. */
  get agent(): Part | undefined {
    return this.#agent;
  }

  /**
   * Starts a cluster; resolves when its nodes are ready.
   * @throws XebecError that says what is missing, or the end of the log of what has failed
   */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { directory, root, env, nodes, progress = () => {} } = options;
    const places = { root, env };
    const assets = findKubeAssets(places, [
      ...(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const),
      ...(nodes > 0 ? (["nft", "iptables-restore"] as const) : []),
    ]);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    const network = nodes > 0 ? await ClusterNetwork.create(SERVICE_CIDR) : undefined;
    try {
      if (network) await options.network?.(network.name);
      const plane = await ControlPlane.create({
        assets,
        directory: join(directory, "control-plane"),
        env,
        ...(network ? { address: network.nodeIp, port: API_PORT, prefix: network.prefix } : {}),
      });
      const cluster = new Cluster(options, plane, network);
      try {
        progress("control plane");
        await plane.start();
        progress("nodes");
        await cluster.#startAgent(assets.nft);
      } catch (error) {
        await cluster.stop();
        throw error;
      }
      return cluster;
    } catch (error) {
      await network?.remove();
      throw error;
    }
  }

  get #readyFile(): string {
    return join(this.#options.directory, "agent.ready");
  }

  async #startAgent(nft: string): Promise<void> {
    const { directory, root, env, nodes, agent } = this.#options;
    const { network, plane } = this;
    if (!network) return;
    const names = Array.from({ length: nodes }, (_, index) => (index === 0 ? "node" : `node-${index + 1}`));
    const { cert, key } = await plane.files.ca.issue({
      commonName: "system:node:node",
      organizations: ["system:nodes"],
      ips: [network.nodeIp, "127.0.0.1"],
      dns: names,
    });
    const places = { root, env };
    const folders = (["iptables-restore", "kubectl"] as const).flatMap((each) => findKubeProgram(each, places) ?? []);
    const readyFile = this.#readyFile;
    const options = {
      kubeconfig: plane.kubeconfig("node"),
      cluster: network.name,
      directory: join(directory, "pods"),
      imagesDirectory: join(directory, "images"),
      volumesDirectory: join(directory, "volumes"),
      root,
      nodes: names,
      nodeIp: network.nodeIp,
      dnsIp: DNS_IP,
      domain: CLUSTER_DOMAIN,
      version: KUBERNETES_VERSION,
      nft,
      path: [...new Set(folders.map((each) => dirname(each)))],
      programs: { envoy: programOf("envoy", places), "nats-server": programOf("nats-server", places) },
      ...{ cert, key, readyFile },
    };
    const file = join(directory, "agent.json");
    writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
    this.#agent = new Part({
      name: "node-agent",
      command: [...network.prefix, ...agent, file],
      logFile: join(directory, "agent.log"),
      env,
      ready: async () => existsSync(readyFile),
      readyMs: 90_000,
      graceMs: AGENT_GRACE_MS,
    });
    rmSync(readyFile, { force: true });
    await this.#agent.start();
  }

  /** All parts in the order of their start. */
  get parts(): readonly Part[] {
    return [...this.plane.parts, ...(this.#agent ? [this.#agent] : [])];
  }

  /**
   * Starts the parts again that have ended by themselves, as a machine's init would.
   * @returns their names
   * @throws XebecError when one does not start
   */
  async mend(): Promise<string[]> {
    const ended = this.parts.filter((each) => !each.running);
    for (const each of ended) {
      if (each === this.#agent) rmSync(this.#readyFile, { force: true });
      await each.start();
    }
    return ended.map(({ name }) => name);
  }

  /** Ends everything, and removes what it has made. */
  async stop(): Promise<void> {
    await this.#agent?.stop();
    await this.plane.stop();
    await this.network?.remove();
    removeFiles(this.#options.directory);
  }
}

/** Removes the files of a cluster that has ended; images that a user has put there stay. */
export function removeFiles(directory: string): void {
  for (const each of ["control-plane", "pods", "volumes", "agent.json", "agent.ready", "agent.log"])
    rmSync(join(directory, each), { recursive: true, force: true, maxRetries: 5 });
}

function programOf(name: ProgramName, places: { root: string; env: NodeJS.ProcessEnv }): string | undefined {
  try {
    return findProgram(name, places);
  } catch (error) {
    if (error instanceof XebecError) return undefined; // images that need it say so when they start
    throw error;
  }
}
