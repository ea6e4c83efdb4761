import { Resolver } from "node:dns/promises";
import { XebecError } from "@xebec/core-errors";

export interface ResolveOptions {
  /** How long one server may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Servers to ask, `ADDRESS` or `ADDRESS:PORT`; by default those of this machine (`/etc/resolv.conf`). */
  readonly servers?: readonly string[];
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

export interface ResolvedHost {
  /** IPv4 and IPv6 addresses, sorted. */
  readonly addresses: readonly string[];
  /** For how long they hold, in milliseconds. */
  readonly ttlMs: number;
}

/** Most addresses of one host. */
const MOST_ADDRESSES = 64;

/**
 * Looks a host up in DNS, A and AAAA, by its full name: no search domain is tried, and no hosts file.
 * @throws XebecError `unavailable` that says why there is no address
 */
export async function resolveHost(host: string, { timeoutMs, servers, signal }: ResolveOptions): Promise<ResolvedHost> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const answers = await Promise.allSettled([
      resolver.resolve4(host, { ttl: true }),
      resolver.resolve6(host, { ttl: true }),
    ]);
    const records = answers.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    if (records.length === 0) throw new XebecError("unavailable", `${host}: ${reasonOf(answers)}`);
    const addresses = [...new Set(records.map(({ address }) => address))].sort().slice(0, MOST_ADDRESSES);
    return { addresses, ttlMs: 1_000 * Math.min(...records.map(({ ttl }) => ttl)) };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENODATA: "DNS has no address of it",
  ENOTFOUND: "DNS does not know it",
  ETIMEOUT: "DNS does not answer",
  ECONNREFUSED: "no DNS server can be reached",
  ESERVFAIL: "the DNS server failed",
};

/** Why there is no answer; that a server failed says more than that one sort of addresses is missing. */
function reasonOf(answers: readonly PromiseSettledResult<unknown>[]): string {
  const codes = answers.flatMap((each) => (each.status === "rejected" ? [String(each.reason.code)] : []));
  const code = codes.find((each) => each !== "ENODATA") ?? codes[0] ?? "ENODATA";
  return REASONS[code] ?? code;
}
