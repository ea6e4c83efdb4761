import type { Component } from "@xebec/core-lifecycle";
import type { Kind } from "@xebec/model-resources";
import { type Bus, createConditions } from "@xebec/platform-bus";
import type { KubeClient } from "@xebec/platform-kube";
import { createConfigPublisher } from "./config-publisher.ts";
import type { ConfigSource } from "./config-source.ts";
import { createDirectorySource } from "./directory/directory-source.ts";
import { kubernetesPublishing } from "./kubernetes/kubernetes.ts";
import { createKubernetesSource } from "./kubernetes/kubernetes-source.ts";
import { createNamespaceFilter } from "./kubernetes/namespace-filter.ts";
import { createMcpSources, type McpServersOptions } from "./mcp/mcp-servers.ts";

export interface StandaloneKubernetes {
  readonly client: KubeClient;
  readonly bus: Bus;
  /** Where the configuration comes from instead; then only services, pods and Secrets are read there. */
  readonly sources?: readonly ConfigSource[];
  /** A directory whose objects count before those of the API server. */
  readonly configDir: string | undefined;
  /** DNS suffix of services. */
  readonly domain: string;
  /** Of the control plane. */
  readonly namespace: string;
  /** The kinds that are read; all when absent. */
  readonly wants?: (kind: Kind) => boolean;
  /** False: no Secrets are read. */
  readonly withSecrets?: boolean;
}

/** What a service needs to read an API server itself, without a galley beside it. It publishes on a bus of its own. */
export function standaloneKubernetes(options: StandaloneKubernetes): Component[] {
  const { client, bus, configDir, domain, namespace, wants, withSecrets = true } = options;
  const namespaces = createNamespaceFilter({ client, systemNamespace: namespace });
  const sources = [
    ...(configDir ? [createDirectorySource(configDir)] : []),
    ...(options.sources ?? [
      createKubernetesSource({ client, namespaces, rootNamespace: namespace, ...(wants ? { wants } : {}) }),
    ]),
  ];
  const parts = {
    client,
    bus,
    sources,
    namespaces,
    domain,
    namespace,
    isShared: false,
    withWorkloads: true,
    withSecrets,
  };
  return kubernetesPublishing(parts).components;
}

/**
 * What a service needs to read a directory itself, without a galley beside it.
 * @param dir the directory of YAML files; empty or absent when the service has none of its own
 * @param bus where it publishes the objects, and their conditions in galley's name
 * @returns one component, or none
 */
export function standaloneSource(dir: string | undefined, bus: Bus): Component[] {
  if (!dir) return [];
  return [
    createConfigPublisher({ sources: [createDirectorySource(dir)], bus, conditions: createConditions(bus, "galley") }),
  ];
}

/** What a service needs to take the configuration from MCP servers. */
export interface StandaloneMcp extends McpServersOptions {
  readonly bus: Bus;
  /** A directory whose objects count before those of the servers. */
  readonly configDir?: string | undefined;
  /** An API server of which services, pods and Secrets are read. */
  readonly kubernetes?: Omit<StandaloneKubernetes, "bus" | "configDir" | "sources">;
}

/** What a service needs to take the configuration from MCP servers, as Istio 1.1's pilot and Mixer do. It publishes on a bus of its own. */
export function standaloneMcp({ bus, configDir, kubernetes, ...servers }: StandaloneMcp): Component[] {
  const { sources, components } = createMcpSources(servers);
  if (kubernetes) return [...components, ...standaloneKubernetes({ ...kubernetes, bus, configDir, sources })];
  const all = [...(configDir ? [createDirectorySource(configDir)] : []), ...sources];
  return [...components, createConfigPublisher({ sources: all, bus, conditions: createConditions(bus, "galley") })];
}
