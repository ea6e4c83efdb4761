import type { HandlerContext } from "./adapter.ts";
import { systemClock } from "./host.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A handler's surroundings with what is given, and with nothing else to reach: no secret is open, metrics and health go nowhere. */
export function handlerContext(given: Partial<HandlerContext> = {}): HandlerContext {
  return {
    handler: "h.default",
    instances: [],
    log: SILENT,
    clock: systemClock,
    metrics: { add() {}, set() {} },
    health() {},
    secrets: {
      read(path) {
        throw new Error(`${path}: no directory is open to secrets of handlers`);
      },
    },
    ...given,
  };
}
