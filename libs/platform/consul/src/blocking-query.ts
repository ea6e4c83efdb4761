import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { ConsulApi } from "./consul-api.ts";

const log = logger("consul");
const RETRY = { baseMs: 500, maxMs: 10_000 };
/** How long an agent may wait for a change. It adds up to a sixteenth of that. In seconds. */
const WAIT_S = 300;
const SLACK_MS = 10_000;
/** Answers of one query come at the most so often, in milliseconds: whatever changes all the time shall not keep anybody busy. */
const LEAST_MS = 100;

/**
 * Asks for something until `signal` aborts, each time waiting for a change, as Consul's documentation of blocking queries says: an index
 * that goes back begins anew, and no index is below 1.
 * @param take gets each answer that may be another one
 * @param waiting told why there is no answer; undefined when there is one
 */
export async function blockingQuery(
  api: ConsulApi,
  path: string,
  take: (body: unknown) => void,
  waiting: (problem: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  let index = 0;
  let failures = 0;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      const query: Record<string, string> = index > 0 ? { index: `${index}`, wait: `${WAIT_S}s` } : {};
      const timeoutMs = index > 0 ? WAIT_S * 1_000 * (1 + 1 / 16) + SLACK_MS : SLACK_MS;
      const answer = await api.get(path, query, timeoutMs, signal);
      failures = 0;
      waiting(undefined);
      if (answer.index !== index || index === 0) take(answer.body);
      index = answer.index < index ? 0 : Math.max(1, answer.index);
      await sleep(Math.max(0, LEAST_MS - (performance.now() - began)), signal);
    } catch (error) {
      if (signal.aborted) return;
      const { message } = XebecError.from(error);
      if (failures === 0) log.warn({ err: error }, message);
      waiting(message);
      // What the agent knows may be another one when it is back.
      index = 0;
      await sleep(backoff(failures++, RETRY), signal);
    }
  }
}
