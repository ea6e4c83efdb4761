import { logger } from "@xebec/core-log";
import { afterStart } from "./after-start.ts";
import { type Component, compose } from "./component.ts";
import { EXIT_FAILED_START, failedStart } from "./failed-start.ts";
import { FOLLOW_PARENT, followParent } from "./follow-parent.ts";

/** Signals within this time, in milliseconds, are one wish. */
const REPEAT_MS = 500;

export interface ServiceOptions {
  readonly name: string;
  readonly components: readonly Component[];
  /** How long `close` may take after SIGTERM or SIGINT, in milliseconds (10 s). */
  readonly drainMs?: number;
}

/**
 * Runs a service in the foreground: starts its components, waits for SIGTERM or SIGINT, drains with a deadline, exits.
 * A second signal ends the process at once. Never returns.
 */
export async function runService({ name, components, drainMs = 10_000 }: ServiceOptions): Promise<never> {
  const log = logger(name);
  const stop = new AbortController();
  const service = compose(name, components);
  let asked = 0;
  const ended = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        // A terminal and a parent may both pass on one key press.
        if (stop.signal.aborted && performance.now() - asked < REPEAT_MS) return;
        if (stop.signal.aborted) process.exit(130);
        asked = performance.now();
        stop.abort();
        resolve(signal);
      });
  });
  if (process.env[FOLLOW_PARENT]) followParent(() => process.kill(process.pid, "SIGTERM"));
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "an error that nothing handled; the process ends");
    process.exit(70);
  });
  try {
    await Promise.race([service.start(stop.signal), ended]);
  } catch (error) {
    process.exit(failedStart(name, error));
  }
  if (!stop.signal.aborted) log.info(`${name} has started`);
  afterStart();
  const signal = await ended;
  log.info({ signal }, `${name} drains`);
  const late = setTimeout(() => {
    log.error({ drainMs }, "drain took too long; the process ends");
    process.exit(EXIT_FAILED_START);
  }, drainMs);
  try {
    await service.close?.();
  } catch (error) {
    log.error({ err: error }, "close failed");
  }
  clearTimeout(late);
  process.exit(0);
}
