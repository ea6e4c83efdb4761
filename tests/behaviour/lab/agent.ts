import {
  createModuleStore,
  EXTENSION_TYPE,
  extensionService,
  fetchModule,
  PilotStream,
  PluginExtensions,
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
  const how = { policy: createAddressPolicy(["127.0.0.0/8"]), timeoutMs: 2_000 };
  const store = createModuleStore(folder, (plugin) => fetchModule(plugin, how));
  const pilot = new PilotStream({
    ...{ target: { address: { path: socket } }, node: { cluster: "test", ...node }, typeUrl: EXTENSION_TYPE },
    take: (update) => extensions.take(update),
  });
  const extensions = new PluginExtensions({ store, pilot });
  return {
    service: extensionService(extensions),
    close(): void {
      extensions.close();
      pilot.close();
    },
  };
}
