import { logger } from "@xebec/core-log";
import type { ApiClient } from "../api/client.ts";
import type { Service } from "../api/types.ts";

const log = logger("node");

/** Gives every Service of the type LoadBalancer the node's address; the ports of several of them must differ. */
export class LoadBalancer {
  readonly #api: ApiClient;
  readonly #nodeIp: string;

  constructor(api: ApiClient, nodeIp: string) {
    this.#api = api;
    this.#nodeIp = nodeIp;
  }

  changed(service: Service | undefined): void {
    if (service?.spec.type !== "LoadBalancer" || service.spec.loadBalancerClass || service.metadata.deletionTimestamp)
      return;
    if (service.status?.loadBalancer?.ingress?.some(({ ip }) => ip === this.#nodeIp)) return;
    const { namespace, name } = service.metadata;
    void this.#api
      .patch(`/api/v1/namespaces/${namespace}/services/${name}/status`, {
        status: { loadBalancer: { ingress: [{ ip: this.#nodeIp, ipMode: "VIP" }] } },
      })
      .catch((error: unknown) =>
        log.warn({ err: error, service: name }, "the Service has no address from outside yet"),
      );
  }
}
