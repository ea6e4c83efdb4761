import { logger } from "@xebec/core-log";
import { type RawStream, rawDuplex } from "@xebec/platform-grpc";
import { decodeDeltaRequest, encodeDeltaResponse, type SdsResource } from "../sds-messages.ts";
import type { PluginExtensions } from "./plugin-extensions.ts";

const log = logger("wasm");
const METHOD = "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs";
export const EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/** Serves the configurations of plugins to the Envoy of the pod (incremental xDS), beside its secrets. */
export function extensionService(extensions: PluginExtensions) {
  return rawDuplex(METHOD, (stream) => serve(stream, extensions));
}

function serve(stream: RawStream, extensions: PluginExtensions): void {
  /** Version that Envoy has, by name; empty: none. */
  const has = new Map<string, string>();
  let nonce = 0;
  const push = (): void => {
    const due: SdsResource[] = [];
    for (const [name, version] of has) {
      const config = extensions.get(name);
      if (config && config.version !== version) due.push(config);
    }
    if (due.length === 0) return;
    for (const each of due) has.set(each.name, each.version);
    nonce++;
    stream.write(encodeDeltaResponse(due, String(nonce), EXTENSION_TYPE));
  };
  const unwatch = extensions.onChange(push);
  stream.onMessage((bytes) => {
    const { subscribe, unsubscribe, initialVersions, error } = decodeDeltaRequest(bytes);
    if (error !== undefined) log.error({ message: error }, "Envoy refused the configuration of a plugin");
    for (const name of unsubscribe) if (has.delete(name)) extensions.forget(name);
    for (const name of subscribe) {
      if (!has.has(name) && !extensions.want(name)) {
        log.warn({ plugin: name.slice(0, 200) }, "Envoy asks for more plugins than an agent looks after");
        continue;
      }
      has.set(name, initialVersions.get(name) ?? "");
    }
    push();
  });
  stream.onEnd(() => stream.end());
  stream.onClose(() => {
    unwatch();
    for (const name of has.keys()) extensions.forget(name);
  });
}
