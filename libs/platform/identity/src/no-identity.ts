import { makePlaceholder } from "./throw-away.ts";
import type { WorkloadIdentity } from "./workload-identity.ts";

/** The identity of a workload in a mesh without certificates: there is none, and nobody waits for one. */
export function noIdentity(): WorkloadIdentity {
  const placeholder = makePlaceholder();
  return {
    name: "no identity",
    identity: undefined,
    start: async () => undefined,
    close: async () => undefined,
    current: () => placeholder,
    onChange: () => () => undefined,
    renew: () => undefined,
  };
}
