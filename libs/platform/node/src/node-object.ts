import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { type ApiClient, STRATEGIC_PATCH } from "./api/client.ts";
import { time } from "./pod/container-worker.ts";
import { create } from "./storage/provisioner.ts";

const log = logger("node");

export interface NodeObjectOptions {
  readonly api: ApiClient;
  readonly name: string;
  readonly ip: string;
  readonly kubeletPort: number;
  readonly version: string;
}

/** Kubelet's: the Lease lasts so long and is renewed four times in it. */
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const MOST_PODS = 250;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64" };

/** What a node has, as Kubernetes' quantities. */
export function capacity(): Record<string, string> {
  return {
    // Containers are not limited; a machine of two cores shall still run a demo with its requests.
    cpu: String(Math.max(cpus().length, 64)),
    memory: `${Math.max(Math.floor(totalmem() / 1_024), 256 << 20)}Ki`,
    "ephemeral-storage": "100Gi",
    pods: String(MOST_PODS),
  };
}

/** The object of a node: registered, kept alive by its Lease, withdrawn from scheduling at the end. */
export class NodeObject {
  readonly #options: NodeObjectOptions;
  readonly #stop = new AbortController();
  #uid = "";

  constructor(options: NodeObjectOptions) {
    this.#options = options;
  }

  /** Registers the node. */
  async start(): Promise<void> {
    const { api, name } = this.#options;
    const labels = {
      "kubernetes.io/hostname": name,
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": ARCHITECTURES[arch()] ?? arch(),
      "topology.kubernetes.io/region": "local",
      "topology.kubernetes.io/zone": "local-a",
    };
    await create(api, "/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name, labels }, spec: {} });
    const { metadata } = await api.get<{ metadata: { uid: string } }>(`/api/v1/nodes/${name}`);
    this.#uid = metadata.uid;
    await this.#report();
    void this.#keep();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    let reported = Date.now();
    while (!signal.aborted) {
      try {
        await this.#renew();
        if (Date.now() - reported > 300_000) {
          await this.#report();
          reported = Date.now();
        }
        await sleep(RENEW_MS, signal);
      } catch (error) {
        log.info({ err: error }, "the node's lease is not renewed yet");
        await sleep(1_000, signal);
      }
    }
  }

  async #renew(): Promise<void> {
    const { api, name } = this.#options;
    const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
    };
    if (await api.find(`${path}/${name}`)) {
      await api.patch(`${path}/${name}`, { spec });
      return;
    }
    await create(api, path, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: this.#uid }] },
      spec,
    });
  }

  async #report(): Promise<void> {
    const { api, name, ip, kubeletPort, version } = this.#options;
    const now = time(new Date());
    const condition = (type: string, status: string, reason: string, message: string) => ({
      ...{ type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now },
    });
    await api.patch(
      `/api/v1/nodes/${name}/status`,
      {
        status: {
          capacity: capacity(),
          allocatable: capacity(),
          addresses: [
            { type: "InternalIP", address: ip },
            { type: "Hostname", address: name },
          ],
          daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
          conditions: [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "memory is not limited"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "disk is not limited"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "processes are not limited"),
            condition("Ready", "True", "KubeletReady", "pods run as processes of the host"),
          ],
          nodeInfo: {
            machineID: name,
            systemUUID: name,
            bootID: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
            kernelVersion: release(),
            osImage: "host",
            containerRuntimeVersion: "xebec://0.1.0",
            kubeletVersion: version,
            kubeProxyVersion: "",
            operatingSystem: "linux",
            architecture: ARCHITECTURES[arch()] ?? arch(),
          },
        },
      },
      STRATEGIC_PATCH,
    );
  }
}
