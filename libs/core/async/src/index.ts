export { type BackoffOptions, backoff } from "./backoff.ts";
export { type ClockWatchOptions, watchClock } from "./clock.ts";
export { Coalescer } from "./coalescer.ts";
export { isAbort, sleep } from "./sleep.ts";
export { TurnLimit } from "./turn-limit.ts";
export { inTurns, Turns } from "./turns.ts";
export { waitFor } from "./wait-for.ts";
