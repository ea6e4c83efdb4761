import type { Component } from "@xebec/core-lifecycle";
import { type Bus, createConditions } from "@xebec/platform-bus";
import type { KubeClient } from "@xebec/platform-kube";
import { createConfigPublisher } from "./config-publisher.ts";
import { createDirectorySource } from "./directory/directory-source.ts";
import { kubernetesPublishing } from "./kubernetes/kubernetes.ts";
import { createKubernetesSource } from "./kubernetes/kubernetes-source.ts";

export interface StandaloneKubernetes {
  readonly client: KubeClient;
  readonly bus: Bus;
  /** A directory whose objects count before those of the API server. */
  readonly configDir: string | undefined;
  /** DNS suffix of services. */
  readonly domain: string;
  /** Of the control plane. */
  readonly namespace: string;
}

/** What a service needs to read an API server itself, without a galley beside it. It publishes on a bus of its own. */
export function standaloneKubernetes({ client, bus, configDir, domain, namespace }: StandaloneKubernetes): Component[] {
  const sources = [
    ...(configDir ? [createDirectorySource(configDir)] : []),
    createKubernetesSource({ client, rootNamespace: namespace }),
  ];
  const parts = { client, bus, sources, domain, namespace, isShared: false, withWorkloads: true };
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
