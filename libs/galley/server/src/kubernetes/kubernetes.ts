import { hostname } from "node:os";
import { type Component, compose } from "@xebec/core-lifecycle";
import type { Resource } from "@xebec/model-resources";
import { type Bus, createConditions } from "@xebec/platform-bus";
import { createLeaderElection, type KubeClient, type LeaseTimes } from "@xebec/platform-kube";
import { type ConfigPublisher, createConfigPublisher } from "../config-publisher.ts";
import type { ConfigSource } from "../config-source.ts";
import { createKubernetesSecrets, type KubernetesSecrets } from "./kubernetes-secrets.ts";
import { createKubernetesWorkloads } from "./kubernetes-workloads.ts";
import type { NamespaceFilter } from "./namespace-filter.ts";

/** The Lease of the replica that publishes. */
export const GALLEY_LEASE = "istio-galley-leader";

export interface KubernetesPublishing {
  readonly client: KubeClient;
  /** Where configuration comes from, the API server among others, in the order of precedence. */
  readonly sources: readonly ConfigSource[];
  /** Which namespaces count; the same as that of the source of the API server. It is started here. */
  readonly namespaces: NamespaceFilter;
  readonly bus: Bus;
  /** DNS suffix of services. */
  readonly domain: string;
  /** Of the control plane, where the Lease and the mesh configuration are. */
  readonly namespace: string;
  /** True: the bus is shared with other replicas, of which one publishes. */
  readonly isShared: boolean;
  /** False: services and pods come from elsewhere. */
  readonly withWorkloads: boolean;
  /** False: no Secrets are read (true). */
  readonly withSecrets?: boolean;
  readonly stateDir?: string | undefined;
  /** What else only the leader does. */
  readonly leading?: () => readonly Component[];
  /** Of this replica; the pod's name when absent. */
  readonly identity?: string;
  readonly leaseTimes?: LeaseTimes;
}

/**
 * What publishes the configuration, services, pods and Secrets of an API server on the bus. Every replica follows the configuration, since
 * its webhook checks objects against it; one publishes.
 */
export function kubernetesPublishing(parts: KubernetesPublishing): {
  publisher: ConfigPublisher;
  components: Component[];
} {
  const {
    client,
    sources,
    namespaces,
    bus,
    domain,
    namespace,
    isShared,
    withWorkloads,
    stateDir,
    leading,
    leaseTimes,
  } = parts;
  const { withSecrets = true } = parts;
  let secrets: KubernetesSecrets | undefined;
  let latest: ReadonlyMap<string, Resource> | undefined;
  const publisher = createConfigPublisher({
    ...{ sources, namespaces, bus, conditions: createConditions(bus, "galley"), standby: true },
    systemNamespace: namespace,
    ...(stateDir ? { stateDir } : {}),
    published(resources) {
      latest = resources;
      secrets?.configured(resources);
    },
  });
  const writing = (): Component[] => {
    secrets = withSecrets ? createKubernetesSecrets({ client, bus }) : undefined;
    if (latest) secrets?.configured(latest);
    return [
      publisher.writing,
      ...(withWorkloads ? [createKubernetesWorkloads({ client, bus, domain, namespaces })] : []),
      ...(secrets ? [secrets] : []),
      ...(leading?.() ?? []),
    ];
  };
  const leader = isShared
    ? createLeaderElection({
        ...{ client, namespace, lease: GALLEY_LEASE, lead: writing },
        identity: parts.identity ?? `${hostname()}_${process.pid}`,
        ...(leaseTimes ? { times: leaseTimes } : {}),
      })
    : compose("Kubernetes", writing());
  return { publisher, components: [namespaces, publisher, leader] };
}
