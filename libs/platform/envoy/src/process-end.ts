import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { sleep } from "@xebec/core-async";
import type { HostPort } from "@xebec/core-config";
import { logger } from "@xebec/core-log";
import { isRunning, type ProcessId } from "@xebec/platform-process";

const log = logger("envoy");
/** How often a process without an event is looked at, in milliseconds. */
const LOOK_MS = 1_000;
/** Connections of a process close a moment before it is gone: so long it is looked at more often. */
const DYING_MS = 500;
const DYING_LOOK_MS = 10;

/**
 * Waits until a process has ended, without looking all the time. The kernel reports the end of a child. Of another process it closes the
 * connections: one is kept to a port of it, and beside that it is looked at now and then.
 * @param child the process as it was started here; absent: somebody else has started it
 * @param port where the process listens, or will
 * @param signal ends the waiting
 */
export async function processEnd(
  id: ProcessId,
  child: ChildProcess | undefined,
  port: HostPort,
  signal: AbortSignal,
): Promise<void> {
  if (child) {
    if (child.exitCode === null && child.signalCode === null)
      await once(child, "exit", { signal }).catch(() => undefined);
    return;
  }
  while (!signal.aborted && runs(id)) {
    using line = openLine(port);
    let closed = false;
    void line.closed.then(() => {
      closed = true;
    });
    while (!closed && !signal.aborted && runs(id)) await Promise.race([line.closed, sleep(LOOK_MS, signal)]);
    for (let past = 0; past < DYING_MS && runs(id) && !signal.aborted; past += DYING_LOOK_MS)
      await sleep(DYING_LOOK_MS, signal);
    // It lives: it does not listen yet, or does not want the connection.
    if (!signal.aborted && runs(id)) await sleep(LOOK_MS, signal);
  }
}

interface Line extends Disposable {
  /** Resolves when the connection is over, or could not be made. */
  readonly closed: Promise<unknown>;
}

function openLine({ host, port }: HostPort): Line {
  const socket = connect({ host, port });
  socket.on("error", () => undefined); // its close says enough
  socket.resume();
  return { closed: new Promise((resolve) => socket.once("close", resolve)), [Symbol.dispose]: () => socket.destroy() };
}

/** A process that cannot be looked at goes on as far as anyone knows: a second one must not be started beside it. */
function runs(id: ProcessId): boolean {
  try {
    return isRunning(id);
  } catch (error) {
    log.warn({ err: error }, "it is unknown whether the process runs");
    return true;
  }
}
