import { type AddressPolicy, guardedGetBytes } from "@xebec/platform-http/guarded";
import { pullModule } from "./image/image-module.ts";
import { imageReference } from "./image/reference.ts";
import { type FetchedModule, MAX_MODULE_BYTES } from "./module-store.ts";
import type { RemotePlugin } from "./plugin-messages.ts";

export interface FetchOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** For one fetch, in milliseconds. */
  readonly timeoutMs: number;
  /** Registries that are not verified, or have no TLS; `*` for all. */
  readonly insecure?: readonly string[];
  /** A Docker configuration with the credentials for the image of a plugin. */
  readonly credentialsOf?: (plugin: RemotePlugin) => Promise<string | undefined>;
}

/**
 * Fetches a module over HTTP, or from a registry of images.
 * @throws XebecError permission_denied for an address that may not be called, invalid_argument for what is no name of an image,
 * failed_precondition for an image without a module, unavailable for everything else
 */
export async function fetchModule(plugin: RemotePlugin, options: FetchOptions): Promise<FetchedModule> {
  const { policy, timeoutMs, insecure, credentialsOf } = options;
  const { url } = plugin;
  if (/^https?:/i.test(url))
    return { bytes: await guardedGetBytes(url, { policy, timeoutMs, maxBytes: MAX_MODULE_BYTES }) };
  const reference = imageReference(url);
  const credentials = await credentialsOf?.(plugin);
  return pullModule(reference, { policy, timeoutMs, insecure: insecure ?? [], credentials });
}
