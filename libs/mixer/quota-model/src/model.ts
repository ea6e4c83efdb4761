import type { QuotaArgs, QuotaResult } from "@xebec/mixer-sdk";

/** How exact a store keeps its window. */
export interface Timing {
  readonly windowMs: number;
  /** Units are free again so much later than the window's end, at most. */
  readonly lateMs: number;
  /** `fixed`: windows follow each other; across a border of two more than the limit may be granted. */
  readonly window: "rolling" | "fixed";
  /** Answers are remembered for so long at least, and for no longer than `forgetMs`. */
  readonly rememberMs: number;
  readonly forgetMs: number;
}

interface Grant {
  readonly at: number;
  readonly amount: number;
  readonly window: number;
  /** False for what may have been the answer to a repeat, which counts nothing. */
  readonly sure: boolean;
}

/** What the limit of a rate must be, whoever counts: bounds instead of one answer, as far as stores may differ. */
export class QuotaModel {
  readonly #max: number;
  readonly #timing: Timing;
  #grants: Grant[] = [];
  readonly #answers = new Map<string, { readonly at: number; readonly result: QuotaResult }>();
  #windowStart = Number.NEGATIVE_INFINITY;

  constructor(max: number, timing: Timing) {
    this.#max = max;
    this.#timing = timing;
  }

  /**
   * Compares the answer of a store with what it must be.
   * @param at the time that counts: never goes back
   * @returns what is wrong, a sentence; undefined when it is right
   */
  check({ amount, bestEffort, deduplicationId: id }: QuotaArgs, result: QuotaResult, at: number): string | undefined {
    const { windowMs, lateMs, window, rememberMs, forgetMs } = this.#timing;
    const before = this.#answers.get(id);
    const age = before === undefined ? Number.POSITIVE_INFINITY : at - before.at;
    // Redis remembers no refusal, as in Istio 1.1: a repeat of one is decided anew.
    if (before && age < rememberMs && before.result.amount > 0)
      return result.amount === before.result.amount
        ? undefined
        : `a repeat after ${age}ms got ${result.amount} and not ${before.result.amount}`;
    // A repeat that is decided anew may open a window.
    if (at - this.#windowStart >= windowMs) this.#windowStart = at;
    // Whether it is a repeat or a new request is the store's choice in between: the same answer says nothing.
    const isRepeat = before !== undefined && age <= forgetMs && result.amount === before.result.amount;
    if (isRepeat) {
      if (result.amount > 0) this.#grants.push({ at, amount: result.amount, window: this.#windowStart, sure: false });
      return undefined;
    }
    this.#grants = this.#grants.filter((each) => at - each.at < windowMs + lateMs);
    const sum = (counts: (each: Grant) => boolean): number =>
      this.#grants.reduce((all, each) => (counts(each) ? all + each.amount : all), 0);
    const surelyTaken = sum(
      (each) =>
        each.sure && (window === "rolling" ? at - each.at < windowMs - lateMs : each.window === this.#windowStart),
    );
    const most = Math.max(0, this.#max - surelyTaken);
    const least = Math.max(0, this.#max - sum((each) => at - each.at < windowMs + lateMs));
    this.#answers.set(id, { at, result });
    if (result.amount > 0) this.#grants.push({ at, amount: result.amount, window: this.#windowStart, sure: true });
    const facts = `${result.amount} of ${amount}${bestEffort ? " at best" : ""}, between ${least} and ${most} free`;
    if (result.amount < 0 || result.amount > amount) return `it granted something else than was asked for: ${facts}`;
    if (result.amount > most) return `it granted more than the limit: ${facts}`;
    if (!bestEffort && result.amount !== 0 && result.amount !== amount) return `it granted a part: ${facts}`;
    if (amount <= least && result.amount !== amount) return `it refused what is free: ${facts}`;
    if (bestEffort && result.amount < Math.min(amount, least)) return `it granted less than is free: ${facts}`;
    return undefined;
  }
}
