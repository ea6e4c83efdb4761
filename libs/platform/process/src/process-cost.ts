import { readdirSync, readFileSync } from "node:fs";

/** What a process has used so far, and holds now. */
export interface ProcessCost {
  /** Time on a processor, all threads that live, in nanoseconds. */
  readonly cpuNs: number;
  /** How often one of its threads has slept and was woken again. */
  readonly wakeUps: number;
  /** Its proportional share of memory: what several processes have in common counts in parts. In KiB. */
  readonly pssKib: number;
  readonly rssKib: number;
}

/**
 * Reads the cost of a process from /proc (proc(5): schedstat and status of its threads, smaps_rollup). Ticks of /proc/PID/stat
 * would be too coarse: a process at rest needs less than one tick in ten seconds.
 * @returns undefined when it has ended
 * @throws Error when a file is not what is expected
 */
export function processCost(pid: number): ProcessCost | undefined {
  return unlessEnded(() => {
    let wakeUps = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`))
      wakeUps += field(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"), "voluntary_ctxt_switches");
    const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return { cpuNs: cpuOf(pid), wakeUps, pssKib: field(memory, "Pss"), rssKib: field(memory, "Rss") };
  });
}

function cpuOf(pid: number): number {
  let cpuNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    cpuNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  return cpuNs;
}

/** @returns undefined when the process that is read about has ended */
export function unlessEnded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function field(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1];
  if (found === undefined) throw new Error(`there is no ${name} in ${text.slice(0, 100)}`);
  return Number(found);
}
