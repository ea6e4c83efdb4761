import { XebecError } from "@xebec/core-errors";
import { type CitadelFlags, durationMs } from "./config.ts";

/** How many times as long as the longest certificate a self-signed root must live. */
const ROOT_TO_CERTIFICATE = 6;

export interface Lifetimes {
  /** Of a certificate that asks for none; all in milliseconds. */
  readonly defaultTtlMs: number;
  readonly maxTtlMs: number;
  readonly rootTtlMs: number;
  /** How long a new root is trusted before it signs. */
  readonly overlapMs: number;
}

/**
 * Reads the flags that say how long certificates live. Workloads learn of a new root when they renew, at half of the lifetime of
 * their certificate: the overlap must be longer than half of the longest one, by a tenth of that for those that are late. It has to
 * fit, with what the old root still needs, into the fifth of its life in which the old root is replaced: a tenth of it.
 * @throws XebecError invalid_argument for a duration that cannot be read, or a root that ends too soon for its certificates
 */
export function readLifetimes(flags: CitadelFlags, selfSigned: boolean): Lifetimes {
  const read = (flag: "workload-cert-ttl" | "max-workload-cert-ttl" | "self-signed-ca-cert-ttl"): number =>
    durationMs(flags[flag], flag);
  const [defaultTtlMs, maxTtlMs, rootTtlMs] = [
    read("workload-cert-ttl"),
    read("max-workload-cert-ttl"),
    read("self-signed-ca-cert-ttl"),
  ];
  if (selfSigned && rootTtlMs < ROOT_TO_CERTIFICATE * maxTtlMs)
    throw new XebecError(
      "invalid_argument",
      `--self-signed-ca-cert-ttl: ${flags["self-signed-ca-cert-ttl"]} is less than ${ROOT_TO_CERTIFICATE} times ` +
        `--max-workload-cert-ttl (${flags["max-workload-cert-ttl"]}); workloads could not learn of the next root in time. ` +
        "Let the root live longer, or certificates shorter",
    );
  return { defaultTtlMs, maxTtlMs, rootTtlMs, overlapMs: Math.min(maxTtlMs, rootTtlMs / 10) };
}
