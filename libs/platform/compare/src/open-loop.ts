import { Agent, request } from "node:http";
import { sleep } from "@xebec/core-async";

/** A request that is sent so many milliseconds after it was due has met a busy machine, not a timer. */
const LATE_MS = 20;
const TIMEOUT_MS = 10_000;

export interface OpenLoopOptions {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Connections at most; requests wait for one in order. */
  readonly connections: number;
  /** The status that is expected. */
  readonly status: number;
}

export interface OpenLoopResult {
  /** Of the requests that were answered as expected: milliseconds from when each was due to the end of its answer. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** How many requests were not sent when they were due. */
  readonly late: number;
}

/**
 * Sends requests to 127.0.0.1 at fixed points in time, whether answers come or not, and measures each from when it was due: what waits
 * for a connection, or for a generator that did not run, counts. So there is no coordinated omission to correct. (autocannon, which did
 * this before, sends the requests of a second in one burst, and its correction takes 1 ms as the time between requests whatever
 * the rate is.)
 * @throws the signal's reason when it is aborted
 */
export async function openLoop(options: OpenLoopOptions, signal: AbortSignal): Promise<OpenLoopResult> {
  const { rate, seconds, connections, status } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "fifo" });
  const latencies: number[] = [];
  let failed = 0;
  let late = 0;
  const count = Math.round(rate * seconds);
  const sent: Promise<void>[] = [];
  const began = performance.now();
  try {
    for (let i = 0; i < count; i++) {
      const due = began + (i * 1_000) / rate;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait, signal);
      signal.throwIfAborted();
      if (performance.now() - due > LATE_MS) late++;
      sent.push(
        statusOf(options, agent).then(
          (answered) => {
            if (answered === status) latencies.push(performance.now() - due);
            else failed++;
          },
          () => {
            failed++;
          },
        ),
      );
    }
    await Promise.all(sent);
    return { latencies, failed, late };
  } finally {
    agent.destroy();
  }
}

/** @returns the status, when the whole answer is there */
function statusOf({ port, path, headers }: OpenLoopOptions, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", ...{ port, path, headers, agent }, timeout: TIMEOUT_MS }, (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end();
  });
}
