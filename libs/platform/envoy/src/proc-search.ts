import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type ProcessId, processOf } from "@xebec/platform-process";

// What is asked here is about processes that may end at any moment, or belong to somebody else: what cannot be read is not ours.
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const pids = (): number[] => readdirSync("/proc").map(Number).filter(Number.isInteger);

export interface FoundProcess extends ProcessId {
  /** Its command line. */
  readonly args: readonly string[];
}

/** Finds the process that runs in this working directory of this container with the two arguments `-c FILE`. */
export function findByConfig(file: string): FoundProcess | undefined {
  const here = process.cwd();
  for (const pid of pids()) {
    const args =
      quietly(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
        ?.split("\0")
        .slice(0, -1) ?? [];
    const at = args.indexOf("-c");
    if (pid === process.pid || at < 1 || args[at + 1] !== file) continue;
    if (quietly(() => readlinkSync(`/proc/${pid}/cwd`)) !== here) continue;
    // Where all containers of a machine are seen, the same path may stand for another container's directory.
    if (quietly(() => readlinkSync(`/proc/${pid}/ns/mnt`)) !== quietly(() => readlinkSync("/proc/self/ns/mnt")))
      continue;
    const id = processOf(pid);
    if (id) return { ...id, args };
  }
  return undefined;
}

/**
 * Says whether a process, or another one of the group that it leads, holds the socket that listens on a TCP port (proc(5)).
 * @param leader process id; the group has the same number
 * @returns undefined when the machine does not show it: files of a program with capabilities of its own cannot be looked at
 */
export function groupListens(leader: number, port: number): boolean | undefined {
  const sockets = listeners(leader, port);
  if (sockets.size === 0) return undefined;
  const holds = (pid: number): boolean | undefined =>
    quietly(() => readdirSync(`/proc/${pid}/fd`))?.some((fd) =>
      sockets.has(quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ""),
    );
  return holds(leader) === false ? pids().some((pid) => groupOf(pid) === leader && holds(pid)) : holds(leader);
}

function listeners(pid: number, port: number): ReadonlySet<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const found = new Set<string>();
  for (const table of ["tcp", "tcp6"])
    for (const line of quietly(() => readFileSync(`/proc/${pid}/net/${table}`, "utf8"))?.split("\n") ?? []) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      // 0A: the state LISTEN.
      if (state === "0A" && local?.endsWith(suffix)) found.add(`socket:[${inode}]`);
    }
  return found;
}

function groupOf(pid: number): number | undefined {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8")) ?? "";
  // The second field is the program's name in parentheses, which may hold anything; then: state, parent, group.
  const group = text.slice(text.lastIndexOf(")") + 2).split(" ")[2];
  return group === undefined ? undefined : Number(group);
}
