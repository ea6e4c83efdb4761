import type { Component } from "@xebec/core-lifecycle";
import type { Bus } from "@xebec/platform-bus";
import type { TlsSource } from "@xebec/platform-grpc";
import type { KubeClient } from "@xebec/platform-kube";
import { type McpCertificateFiles, mcpServerAddress } from "./mcp/mcp-servers.ts";
import { standaloneKubernetes, standaloneMcp, standaloneSource } from "./standalone-source.ts";

/** The group of Mixer's kinds: little else is asked for, so that a role for little else is enough. */
const MIXER_GROUP = "config.istio.io";
/** Its `discoverySelectors` say which namespaces count. */
const MESH_CONFIG = "MeshConfig";

/** Where a Mixer takes its configuration from when it has no bus of galley's. */
export interface MixerStore {
  readonly dir: string | undefined;
  /** `mcp://HOST:PORT`, `mcps://HOST:PORT`. */
  readonly mcp?: string | undefined;
  /** With `--configStoreURL=k8s://`. */
  readonly client?: KubeClient | undefined;
}

export interface MixerStoreOptions {
  readonly store: MixerStore;
  readonly bus: Bus;
  /** Name of the service, for the server of MCP. */
  readonly nodeId: string;
  readonly files: McpCertificateFiles;
  readonly identity?: TlsSource | undefined;
  /** DNS suffix of services. */
  readonly domain: string;
  /** Of the control plane. */
  readonly namespace: string;
}

/**
 * What a Mixer needs to read its own configuration, and from an API server also the Services and Pods that attributes are made of.
 * @throws XebecError invalid_argument for an address that is none
 */
export function mixerStore(options: MixerStoreOptions): Component[] {
  const { store, bus, nodeId, files, identity, domain, namespace } = options;
  if (store.client)
    return standaloneKubernetes({
      ...{ client: store.client, bus, configDir: undefined, domain, namespace },
      ...{ wants: ({ group, kind }) => group === MIXER_GROUP || kind === MESH_CONFIG, withSecrets: false },
    });
  if (store.mcp)
    return standaloneMcp({
      ...{ bus, files, identity, nodeId, servers: [mcpServerAddress(store.mcp)] },
      wants: ({ kind }) => kind?.group === MIXER_GROUP,
    });
  return standaloneSource(store.dir, bus);
}
