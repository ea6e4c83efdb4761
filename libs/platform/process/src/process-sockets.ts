import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { unlessEnded } from "./process-cost.ts";

/** States of a socket in proc(5), net/tcp. */
const ESTABLISHED = "01";
const LISTENING = "0A";

/** How many connections of a process are established. */
export function openConnections(pid: number): number {
  return sockets(pid, ESTABLISHED).length;
}

/** The ports on which a process listens, in order, each once. */
export function listeningPorts(pid: number): string[] {
  const ports = new Set(sockets(pid, LISTENING).map((local) => Number.parseInt(local.split(":")[1] ?? "", 16)));
  return [...ports].sort((a, b) => a - b).map(String);
}

/** Local addresses of the sockets of a process that are in a state. */
function sockets(pid: number, state: string): string[] {
  const read = unlessEnded(() => {
    const byInode = new Map<string, string>();
    for (const table of ["tcp", "tcp6"])
      for (const line of readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)) {
        const words = line.trim().split(/\s+/);
        if (words[3] === state) byInode.set(`socket:[${words[9]}]`, words[1] ?? "");
      }
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => byInode.get(linkOf(`/proc/${pid}/fd/${fd}`)) ?? []);
  });
  return read ?? [];
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // it was closed meanwhile
  }
}
