import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";

const log = logger("mcp");
/** Istio 1.1 waits a second; a server that stays away is not asked every second for ever. */
const RETRY = { baseMs: 1_000, maxMs: 15_000 };

/** A stream that is over: why, and whether it has brought something, so that the next attempt is not a repetition. */
export interface StreamEnd {
  readonly error: unknown;
  readonly isFruitful: boolean;
  /** The next one is another one, and need not wait. */
  readonly isImmediate: boolean;
}

export interface ReconnectOptions {
  /** The server as it is shown to users. */
  readonly server: string;
  /** Opens a stream. @returns when it is over */
  connect(signal: AbortSignal): Promise<StreamEnd>;
  /** Told why there is no stream; undefined when one has brought something. */
  readonly problem: (text: string | undefined) => void;
  readonly retry?: { readonly baseMs: number; readonly maxMs: number };
}

/** Keeps a stream open until the signal aborts. */
export async function keepConnected(options: ReconnectOptions, signal: AbortSignal): Promise<void> {
  const { server, connect, problem, retry = RETRY } = options;
  for (let failures = 0; !signal.aborted; ) {
    const { error, isFruitful, isImmediate } = await connect(signal).catch(
      (failure: unknown): StreamEnd => ({ error: failure, isFruitful: false, isImmediate: false }),
    );
    if (signal.aborted) return;
    if (isImmediate) continue;
    failures = isFruitful ? 0 : failures + 1;
    const why = error instanceof Error ? error.message : "the server ended the stream";
    problem(`${server}: ${why}`);
    log.warn({ server, err: error }, "the MCP stream is over; what came over it stays, and it is opened again");
    await sleep(backoff(failures, retry), signal).catch(() => undefined);
  }
}
