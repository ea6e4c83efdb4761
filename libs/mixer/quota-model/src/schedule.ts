import type { Clock, Handler, QuotaArgs, QuotaInstance, QuotaResult } from "@xebec/mixer-sdk";
import fc from "fast-check";
import { QuotaModel, type Timing } from "./model.ts";

/** One thing that happens. */
export type Step =
  | { readonly do: "ask"; readonly replica: number; readonly amount: number; readonly bestEffort: boolean }
  /** The last request once more, with its deduplication id, at any replica. */
  | { readonly do: "repeat"; readonly replica: number }
  | { readonly do: "wait"; readonly ms: number }
  /** The clock of all replicas is set. */
  | { readonly do: "jump"; readonly ms: number };

export interface Asked {
  readonly args: QuotaArgs;
  readonly result: QuotaResult;
}

export interface ScheduleOptions {
  readonly max: number;
  readonly timing: Timing;
  /** The instance that is asked for. */
  readonly instance: QuotaInstance;
  /** A clock that was set back by less is one that is behind those of other replicas: the store waits for it (0). */
  readonly skewMs?: number;
  /** Makes the replicas, on one fresh store. @param clock the time of all of them */
  start(clock: Clock): Promise<readonly Handler[]>;
}

const START = 1_700_000_000_000;

/**
 * Random schedules.
 * @param replicas how many handlers there are
 * @param windowMs the length of the window, which waits and jumps are about
 * @param jumps whether clocks jump
 */
export function schedules(replicas: number, windowMs: number, jumps: boolean): fc.Arbitrary<Step[]> {
  const replica = fc.nat({ max: replicas - 1 });
  const ask = fc.record({
    do: fc.constant("ask" as const),
    replica,
    amount: fc.integer({ min: 1, max: 6 }),
    bestEffort: fc.boolean(),
  });
  const wait = fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: windowMs * 1.5 }) });
  const jump = fc.record({
    do: fc.constant("jump" as const),
    ms: fc.oneof(fc.integer({ min: -20 * windowMs, max: 20 * windowMs }), fc.constant(-windowMs)),
  });
  const repeat = fc.record({ do: fc.constant("repeat" as const), replica });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: ask },
      { weight: 2, arbitrary: repeat },
      { weight: 3, arbitrary: wait },
      ...(jumps ? [{ weight: 1, arbitrary: jump }] : []),
    ),
    { maxLength: 40 },
  );
}

/**
 * Runs a schedule against a store and compares each answer with the model. After a jump of the clock only safety counts: never more than the
 * limit, and free again after one window without requests.
 * @throws Error that says what is wrong
 */
export async function checkSchedule(steps: readonly Step[], options: ScheduleOptions): Promise<void> {
  const { max, timing, instance, skewMs = 0, start } = options;
  let now = START;
  const timers: { readonly ms: number; readonly work: () => void; due: number }[] = [];
  const move = (ms: number): void => {
    const end = now + ms;
    for (;;) {
      const next = timers.filter((each) => each.due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      now = Math.max(now, next.due);
      next.due += next.ms;
      next.work();
    }
    now = end;
  };
  const handlers = await start({
    now: () => now,
    every(ms, work) {
      const timer = { ms, work, due: now + ms };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  let model = new QuotaModel(max, timing);
  let jumped = false;
  let last: QuotaArgs | undefined;
  let ids = 0;
  try {
    for (const step of steps) {
      if (step.do === "wait") move(step.ms);
      else if (step.do === "jump") {
        now += step.ms;
        // Timers of the machine do not follow its clock.
        for (const each of timers) each.due += step.ms;
        jumped = true;
      } else {
        const args: QuotaArgs =
          step.do === "ask"
            ? { amount: step.amount, bestEffort: step.bestEffort, deduplicationId: `id-${ids++}` }
            : (last ?? { amount: 1, bestEffort: false, deduplicationId: `id-${ids++}` });
        last = args;
        const result = await askedOf(handlers[step.replica] as Handler, instance, args);
        const wrong = jumped ? undefined : model.check(args, result, now);
        if (wrong) throw new Error(wrong);
        if (result.amount > args.amount) throw new Error(`${result.amount} of ${args.amount} were granted`);
      }
      if (!jumped) continue;
      // Stores look at the clock when they are asked.
      await askedOf(handlers[0] as Handler, instance, { amount: 1, bestEffort: false, deduplicationId: `id-${ids++}` });
      // Whatever the clock did: after two windows without requests everything is free, and the limit holds again.
      move(2 * (timing.windowMs + timing.lateMs) + timing.forgetMs + skewMs);
      model = new QuotaModel(max, timing);
      const args = { amount: max, bestEffort: false, deduplicationId: `id-${ids++}` };
      const whole = await askedOf(handlers[0] as Handler, instance, args);
      const wrong = model.check(args, whole, now);
      if (wrong) throw new Error(`after a jump of the clock: ${wrong}`);
      jumped = false;
      last = undefined;
    }
  } finally {
    await Promise.all(handlers.map((each) => each.close?.()));
  }
}

/** Asks a handler for units. */
export async function askedOf(handler: Handler, instance: QuotaInstance, args: QuotaArgs): Promise<QuotaResult> {
  return (await handler.quota?.(instance as never, args)) ?? { amount: 0, validMs: 0 };
}
