import { waitFor } from "@xebec/core-async";
import {
  createKubernetesSource,
  createNamespaceFilter,
  createObjectStatus,
  KnownObjects,
  kubernetesPublishing,
} from "@xebec/galley-server";
import { decodeSecretRecord, type SecretRecord } from "@xebec/model-pki";
import { allCrds, decodeResource, type Resource } from "@xebec/model-resources";
import { decodeWorkloadRecord, type WorkloadRecord } from "@xebec/model-workloads";
import { type Bus, createRevisionReader, type RevisionReader } from "@xebec/platform-bus";
import { isAlreadyExists, type KubeClient, openKubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { startKube } from "@xebec/testing-kube";

const never = new AbortController().signal;

/** A replica of what galley runs with an API server. */
export async function galleyReplica(
  kubeconfig: string,
  bus: Bus,
  { withStatus = false, ...options }: { identity?: string; isShared?: boolean; withStatus?: boolean } = {},
) {
  const client = await openKubeClient({ kubeconfig });
  const objects = new KnownObjects();
  const namespaces = createNamespaceFilter({ client, systemNamespace: "istio-system" });
  const { publisher, components } = kubernetesPublishing({
    ...{ client, namespaces, bus, domain: "cluster.local", namespace: "istio-system", withWorkloads: true },
    ...{ isShared: false, ...options },
    sources: [createKubernetesSource({ client, namespaces, rootNamespace: "istio-system", discoveryMs: 200, objects })],
    leading: () => (withStatus ? [createObjectStatus({ client, bus, objects })] : []),
  });
  for (const each of components) await each.start(never);
  return {
    ...{ client, publisher, components },
    missing: () => components.flatMap((each) => each.missing?.() ?? []),
    async [Symbol.asyncDispose]() {
      for (const each of components.toReversed()) await each.close?.();
      client.close();
    },
  };
}

/** What the bus holds, read as the services read it. */
export async function busContent(bus: Bus) {
  const readers: RevisionReader[] = [];
  const deleted: string[] = [];
  const reading = async <T>(
    bucket: string,
    decode: (bytes: Uint8Array) => T,
  ): Promise<(key: string) => T | undefined> => {
    const reader = createRevisionReader({
      ...{ bus, bucket },
      apply: ({ deletes }) => void deleted.push(...deletes),
    });
    await reader.start(never);
    readers.push(reader);
    return (key) => {
      const bytes = reader.entries().get(key);
      return bytes && decode(bytes);
    };
  };
  const config: (key: string) => Resource | undefined = await reading("config", decodeResource);
  const workload: (key: string) => WorkloadRecord | undefined = await reading("workloads", decodeWorkloadRecord);
  const secret: (key: string) => SecretRecord | undefined = await reading("secrets", decodeSecretRecord);
  return {
    ...{ config, workload, secret, deleted },
    synced: () => waitFor("the bus has everything", 60_000, () => readers.every((each) => each.synced), 50),
    size: (index: 0 | 1 | 2) => readers[index]?.entries().size ?? 0,
    async [Symbol.asyncDispose]() {
      for (const each of readers) await each.close?.();
    },
  };
}

/** Creates an object, whatever it is. */
export async function create(client: KubeClient, path: string, body: object): Promise<void> {
  await client.call({ method: "POST", path, body });
}

/** An API server with the namespace of the control plane. */
export async function startGalleyKube() {
  const kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
  const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
  return { kube, client };
}

/** Installs the definitions of all kinds, where they are not there yet. */
export async function installCrds(client: KubeClient): Promise<void> {
  for (const crd of allCrds())
    await create(client, pathOf(RESOURCES.customResourceDefinitions), crd).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}

/** The type of the rules that tests write. */
export const rule = {
  ...{ group: "networking.istio.io", version: "v1", kind: "DestinationRule", plural: "destinationrules" },
};
export const ruleObject = (name: string, host: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { namespace: "default", name } },
  spec: { host },
});
/** On the bus. */
export const ruleKey = (name: string): string => `networking.istio.io/DestinationRule/default/${name}`;
