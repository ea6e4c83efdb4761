import { XebecError } from "@xebec/core-errors";
import { type AddressPolicy, guardedGetBytes } from "@xebec/platform-http/guarded";
import { MAX_MODULE_BYTES } from "./module-store.ts";

export interface FetchOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** For one fetch, in milliseconds. */
  readonly timeoutMs: number;
}

/** Fetches a module. @throws XebecError permission_denied for an address that may not be called, unavailable for everything else */
export async function fetchModule(url: string, { policy, timeoutMs }: FetchOptions): Promise<Buffer> {
  if (!/^https?:/i.test(url))
    throw new XebecError("unavailable", `${url} cannot be pulled: images are not served; write https:// or file://`);
  return guardedGetBytes(url, { policy, timeoutMs, maxBytes: MAX_MODULE_BYTES });
}
