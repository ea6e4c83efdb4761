import {
  createModuleStore,
  EXTENSION_TYPE,
  extensionService,
  type FetchOptions,
  fetchModule,
  PilotStream,
  PluginExtensions,
  PullSecrets,
} from "@xebec/platform-envoy/extensions";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import type { Node } from "./envoy.ts";
import type { LabProxy } from "./mesh.ts";

/** A proxy that asks its agent for plugins whose modules have to be fetched. */
export function withAgent(proxy: LabProxy): LabProxy {
  return { ...proxy, metadata: { ...proxy.metadata, WASM_CLUSTER: "sds-grpc" } };
}

/**
 * What of an agent fetches modules, from servers of this machine too.
 * @param socket of pilot's xDS server
 */
export function labAgent(node: Node, socket: string, folder: string) {
  const target = { address: { path: socket } };
  const pullSecrets = new PullSecrets(target, { cluster: "test", ...node }, 500);
  const how: FetchOptions = {
    ...{ policy: createAddressPolicy(["127.0.0.0/8"]), timeoutMs: 2_000, insecure: ["*"] },
    credentialsOf: async ({ pullSecret }) => (pullSecret ? pullSecrets.get(pullSecret) : undefined),
  };
  const store = createModuleStore(folder, (plugin) => fetchModule(plugin, how));
  const pilot = new PilotStream({
    ...{ target, node: { cluster: "test", ...node }, typeUrl: EXTENSION_TYPE },
    take: (update) => extensions.take(update),
  });
  const extensions = new PluginExtensions({ store, pilot });
  return {
    service: extensionService(extensions),
    close(): void {
      extensions.close();
      pilot.close();
      pullSecrets.close();
    },
  };
}
