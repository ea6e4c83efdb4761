import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { encodeWorkloadRecord, type PodRecord, type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import type { RevisionWriter } from "@xebec/platform-bus";
import type { AddressPlan } from "./address-plan.ts";
import { type IngressPorts, withIngressPorts } from "./ingress-ports.ts";
import type { KubeService } from "./manifest-objects.ts";
import { controlPlaneRecords, SYSTEM_NAMESPACE, serviceRecords } from "./records.ts";
import type { ReplicaCounts } from "./replicas.ts";

const log = logger("local");
const GATEWAY_SERVICE = "istio-ingressgateway";

export interface WorkloadSource {
  readonly plan: AddressPlan;
  readonly monolith: boolean;
  readonly replicas: ReplicaCounts;
  /** Where the ingress gateway is reached on localhost. */
  readonly ingress: IngressPorts;
  readonly services: () => readonly KubeService[];
  /** Of the pods that have been admitted. */
  readonly pods: () => readonly PodRecord[];
  /** False while something is still to be read: such a state would take services away that run. */
  readonly isWhole: () => boolean;
}

/** Keeps the bucket `workloads` equal to what runs: services, their endpoints, pods and the one node. */
export class WorkloadPublisher {
  readonly #source: WorkloadSource;
  readonly #writer: RevisionWriter;
  readonly #publish = new Coalescer(() => this.#publishRecords());
  #published = "";

  constructor(writer: RevisionWriter, source: WorkloadSource) {
    this.#writer = writer;
    this.#source = source;
  }

  /** Something may have changed. @returns when what there is now has been published, or could not be */
  request(): Promise<void> {
    return this.#publish.request();
  }

  async #publishRecords(): Promise<void> {
    const { plan, monolith, replicas, services, pods, isWhole } = this.#source;
    if (!isWhole()) return;
    const running = pods();
    const records: WorkloadRecord[] = [
      ...controlPlaneRecords(plan, monolith, replicas),
      ...services().flatMap((service) => serviceRecords(this.#withIngressPorts(service), running)),
      ...running,
      { type: "node", name: "localhost" },
    ];
    const all = new Map(records.map((record) => [workloadKey(record), encodeWorkloadRecord(record)]));
    const text = [...all].map(([key, bytes]) => `${key}=${Buffer.from(bytes).toString("latin1")}`).join("\n");
    if (text === this.#published) return;
    try {
      await this.#writer.replace(all);
      this.#published = text;
    } catch (error) {
      log.error({ err: error }, "workloads could not be published");
    }
  }

  /** The ingress gateway is reached at the ports that the user chose. */
  #withIngressPorts(service: KubeService): KubeService {
    if (service.metadata.namespace !== SYSTEM_NAMESPACE || service.metadata.name !== GATEWAY_SERVICE) return service;
    return { ...service, ports: withIngressPorts(service.ports, this.#source.ingress) };
  }
}
