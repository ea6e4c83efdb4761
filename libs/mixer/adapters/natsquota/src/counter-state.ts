import type { QuotaArgs, QuotaResult } from "@xebec/mixer-sdk";

/** The limit of a counter. */
export interface Limit {
  readonly max: number;
  /** 0: units are held until they are given back. */
  readonly validMs: number;
}

/** A counter as it stands in the table. Times are milliseconds since 1970 of the replica whose clock is ahead. */
export interface CounterState {
  /** When it was used last. */
  at: number;
  /** Units that are taken, by the step of the window in which they were; one entry at 0 for units that are held. */
  used: [step: number, units: number][];
  /** Answers that were given, for repeats. */
  answers: [id: string, amount: number, expires: number, forget: number][];
}

/** Most steps of a window. */
const STEPS = 100;
/** No step is shorter. */
const SHORTEST_MS = 100;
/** Clocks of replicas differ by no more; one that is further behind was set back. */
export const SKEW_MS = 5_000;
/** Most answers that are remembered: the state is one message of the bus. */
const MOST_ANSWERS = 2_000;

export const EMPTY_STATE: Readonly<CounterState> = { at: 0, used: [], answers: [] };

/** How long one step of a window is, in milliseconds: so much later than the window's end units may be free again. */
export function stepMs({ validMs }: Limit): number {
  return Math.max(SHORTEST_MS, Math.ceil(validMs / STEPS));
}

/**
 * Decides about a request and counts it.
 * @param state is changed
 * @param now of this replica
 * @param rememberMs how long the answer is remembered for repeats
 */
export function decide(
  state: CounterState,
  limit: Limit,
  { amount, bestEffort, deduplicationId: id }: QuotaArgs,
  now: number,
  rememberMs: number,
): QuotaResult {
  const at = advance(state, limit, now);
  state.answers = state.answers.filter((each) => each[3] > at);
  const known = id === "" ? undefined : state.answers.find((each) => each[0] === id);
  if (known) return { amount: known[1], validMs: Math.max(0, known[2] - at) };
  const result = amount < 0 ? give(state, -amount) : take(state, limit, amount, bestEffort, at);
  if (id !== "" && state.answers.length < MOST_ANSWERS)
    state.answers.push([id, result.amount, at + result.validMs, at + rememberMs]);
  return result;
}

/** Moves the window on. @returns the time that counts */
function advance(state: CounterState, limit: Limit, now: number): number {
  const { validMs } = limit;
  if (state.at - now > SKEW_MS) {
    // A clock that was far ahead is back: what it counted holds from now on, not until its time comes again.
    const step = stepMs(limit);
    const back = state.at - now;
    state.used = state.used.map(([tick, units]) => [validMs === 0 ? tick : tick - Math.floor(back / step), units]);
    for (const each of state.answers) {
      each[2] -= back;
      each[3] -= back;
    }
    state.at = now;
  }
  // Clocks of replicas differ a little: the one ahead counts.
  state.at = Math.max(state.at, now);
  if (validMs > 0) {
    const step = stepMs(limit);
    const steps = Math.ceil(validMs / step);
    const tick = Math.floor(state.at / step);
    state.used = state.used.filter(([each]) => each > tick - steps - 1);
  }
  return state.at;
}

function total({ used }: CounterState): number {
  let sum = 0;
  for (const [, units] of used) sum += units;
  return sum;
}

function take(state: CounterState, limit: Limit, amount: number, bestEffort: boolean, at: number): QuotaResult {
  const left = Math.max(0, limit.max - total(state));
  const granted = amount <= left ? amount : bestEffort ? left : 0;
  if (granted > 0) {
    const tick = limit.validMs === 0 ? 0 : Math.floor(at / stepMs(limit));
    const last = state.used.at(-1);
    if (last?.[0] === tick) last[1] += granted;
    else state.used.push([tick, granted]);
  }
  return { amount: granted, validMs: granted > 0 || bestEffort ? limit.validMs : 0 };
}

/** Gives units back, those taken last first. */
function give(state: CounterState, amount: number): QuotaResult {
  let left = amount;
  for (const each of state.used.toReversed()) {
    const freed = Math.min(each[1], left);
    each[1] -= freed;
    left -= freed;
  }
  state.used = state.used.filter(([, units]) => units > 0);
  return { amount: amount - left, validMs: 0 };
}
