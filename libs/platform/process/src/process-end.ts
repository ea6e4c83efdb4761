import { isRunning, type ProcessId } from "./process-id.ts";

// How often processes are looked at that this one has not started, all of them in one round, in milliseconds. A signal that is not
// sent costs a microsecond; /proc is read seldom, for what a signal does not show: zombies, and numbers that are used again.
const ROUND_MS = 100;
const ROUNDS_BETWEEN_READS = 10;

interface Watched {
  readonly id: ProcessId;
  readonly runs: (id: ProcessId) => boolean;
  readonly ended: () => void;
}

const watched = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;
let rounds = 0;

/**
 * Waits for the end of a process that this one has not started: there is no event for it.
 * @param signal ends the waiting
 * @param runs asked now and then instead of `isRunning`; must not throw
 */
export function otherProcessEnd(
  id: ProcessId,
  signal: AbortSignal,
  runs: (id: ProcessId) => boolean = isRunning,
): Promise<void> {
  if (signal.aborted || !runs(id)) return Promise.resolve();
  return new Promise((resolve) => {
    const each: Watched = {
      ...{ id, runs },
      ended() {
        signal.removeEventListener("abort", each.ended);
        watched.delete(each);
        if (watched.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        resolve();
      },
    };
    watched.add(each);
    signal.addEventListener("abort", each.ended, { once: true });
    timer ??= setInterval(round, ROUND_MS);
  });
}

function round(): void {
  const read = ++rounds % ROUNDS_BETWEEN_READS === 0;
  for (const each of watched) if (!exists(each.id.pid) || (read && !each.runs(each.id))) each.ended();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may be there, too.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
