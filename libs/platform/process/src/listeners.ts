import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isIPv4 } from "node:net";

/** Who has a TCP port. `unknown`: the machine does not show whose it is. */
export type PortHolder = "own" | "other" | "nobody" | "unknown";

/** The state LISTEN in /proc/net/tcp. */
const LISTEN = "0A";
const ANY = { v4: "0".repeat(8), v6: "0".repeat(32) };
/** An IPv4 address within an IPv6 one, as /proc/net/tcp6 begins it. */
const MAPPED = "0000000000000000FFFF0000";

/**
 * Says whether the socket that gets the connections to `host:port` is held by one of some processes (proc(5)).
 * @param host an IPv4 address
 * @param pids the processes that it may belong to
 */
export function portHolder(host: string, port: number, pids: Iterable<number>): PortHolder {
  const sockets = listeningSockets(host, port);
  if (sockets === undefined) return "unknown";
  if (sockets.size === 0) return "nobody";
  let isKnown = true;
  for (const pid of pids) {
    const held = holds(pid, sockets);
    if (held) return "own";
    if (held === undefined) isKnown = false;
  }
  return isKnown ? "other" : "unknown";
}

/** The process that holds `host:port`, as far as this user may know. @returns its id, undefined when that is unknown */
export function portOwner(host: string, port: number): number | undefined {
  const sockets = listeningSockets(host, port);
  if (!sockets?.size) return undefined;
  return readdirSync("/proc")
    .map(Number)
    .find((pid) => Number.isInteger(pid) && holds(pid, sockets));
}

/** Sockets that a connection to the address reaches: those of the address itself go before those of all addresses. */
function listeningSockets(host: string, port: number): ReadonlySet<string> | undefined {
  if (!isIPv4(host)) return undefined;
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const own = hostHex(host);
  const exact = new Set<string>();
  const any = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    const text = quietly(() => readFileSync(`/proc/self/net/${table}`, "latin1"));
    if (text === undefined && table === "tcp") return undefined;
    for (const line of text?.split("\n") ?? []) {
      if (!line.includes(suffix)) continue;
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== LISTEN || !local.endsWith(suffix)) continue;
      const address = local.slice(0, -suffix.length);
      if (address === own || address === MAPPED + own) exact.add(`socket:[${inode}]`);
      else if (address === ANY.v4 || address === ANY.v6) any.add(`socket:[${inode}]`);
    }
  }
  return exact.size > 0 ? exact : any;
}

/** The kernel writes an address in the byte order of the machine. */
function hostHex(host: string): string {
  return host
    .split(".")
    .reverse()
    .map((each) => Number(each).toString(16).toUpperCase().padStart(2, "0"))
    .join("");
}

/** @returns undefined when the process's files cannot be looked at */
function holds(pid: number, sockets: ReadonlySet<string>): boolean | undefined {
  return quietly(() => readdirSync(`/proc/${pid}/fd`))?.some((fd) =>
    sockets.has(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ""),
  );
}

// A process may end at any moment, or belong to somebody else: what cannot be read is unknown.
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
