import type { Metrics } from "@xebec/core-metrics";
import { ACCESS, type BusUser } from "@xebec/model-bus";
import { readPublicKeys, readSeed } from "./access-keys.ts";
import type { Bus } from "./bus.ts";
import { busTlsOf } from "./bus-tls.ts";
import { createMemoryBus } from "./memory-bus.ts";
import { createNatsBus } from "./nats-bus.ts";

/** The flags of a service that name its bus. */
export interface BusFlags {
  /** Empty: the service stands alone, on a bus in its own memory. */
  readonly busURL: readonly string[];
  readonly busSeedFile: string | undefined;
  readonly busKeysFile: string | undefined;
  /** PEM file of the roots that the servers' certificates lead to; absent: plaintext, unless a URL is `tls://`. */
  readonly busCAFile?: string | undefined;
  /** How many servers hold each bucket, for those who create buckets (1). */
  readonly busReplicas?: number | undefined;
}

/**
 * Makes the bus that a service's flags name. It is not started.
 * @throws XebecError not_found or invalid_argument for a key file that cannot be used
 */
export async function openBus(flags: BusFlags, user: BusUser, metrics: Metrics): Promise<Bus> {
  if (flags.busURL.length === 0) return createMemoryBus();
  return createNatsBus({
    servers: flags.busURL,
    name: user,
    metrics,
    tls: busTlsOf(flags.busURL, flags.busCAFile),
    ...(ACCESS[user].provision ? { provision: true, replicas: flags.busReplicas ?? 1 } : {}),
    ...(flags.busSeedFile ? { seed: await readSeed(flags.busSeedFile) } : {}),
    ...(flags.busKeysFile ? { publicKeys: await readPublicKeys(flags.busKeysFile) } : {}),
  });
}
