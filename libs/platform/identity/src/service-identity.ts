import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Metrics } from "@xebec/core-metrics";
import { createWorkloadIdentity, type WorkloadIdentity } from "./workload-identity.ts";

/** The flags of a service that say where its certificate comes from. */
export interface IdentityFlags {
  /** Citadel, `HOST:PORT`. */
  readonly caAddr?: string | undefined;
  readonly caRootFile?: string | undefined;
  readonly caTokenFile?: string | undefined;
  /** The identity is kept in its folder `identity`. */
  readonly stateDir?: string | undefined;
}

/**
 * The identity of a service of the control plane.
 * @param serverName the DNS name by which clients verify it, for example `istio-pilot.istio-system.svc`
 * @param otherNames names by which other clients know it
 * @returns undefined when no `caAddr` is set
 * @throws XebecError invalid_argument when `caAddr` is set and `caRootFile` is not
 */
export function serviceIdentity(
  flags: IdentityFlags,
  {
    serverName,
    otherNames = [],
    metrics,
  }: { readonly serverName: string; readonly otherNames?: readonly string[]; readonly metrics: Metrics },
): WorkloadIdentity | undefined {
  const { caAddr, caRootFile, caTokenFile, stateDir } = flags;
  if (!caAddr) return undefined;
  if (!caRootFile)
    throw new XebecError("invalid_argument", "--caAddr needs --caRootFile, the certificate to verify citadel with");
  return createWorkloadIdentity({
    caAddress: caAddr,
    caRootFile,
    tokenFile: caTokenFile,
    storeDir: stateDir ? join(stateDir, "identity") : undefined,
    names: { dns: [serverName, ...otherNames], ips: ["127.0.0.1"] },
    metrics,
  });
}
