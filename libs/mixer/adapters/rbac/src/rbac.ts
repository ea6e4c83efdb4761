import { type Adapter, implementAdapter } from "@xebec/mixer-sdk";
import { rbac } from "./info.ts";

/** Makes the adapter. Its handlers never start (docs/reference/mixer.md §6.8). */
export function createAdapter(): Adapter {
  return implementAdapter(rbac, () => {
    throw new Error(
      "Mixer's rbac was taken out of service in Istio 1.1; write an AuthorizationPolicy, or a ServiceRole and a ServiceRoleBinding, which proxies enforce themselves",
    );
  });
}
