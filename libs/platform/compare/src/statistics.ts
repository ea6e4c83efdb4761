/** What repeated measurements of one figure say. */
export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Largest number of arrangements that are looked at one by one; more are sampled. */
const MAX_ARRANGEMENTS = 20_000;
/** A difference counts when chance alone would give one as large in less than one of twenty cases. */
const LEVEL = 0.05;

/** @returns undefined for no measurement at all */
export function summaryOf(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return { n: sorted.length, median: medianOf(sorted), min: sorted[0] as number, max: sorted.at(-1) as number };
}

export type Verdict = "lower" | "higher" | "no difference seen" | "too few repetitions";

/** Whether two shapes differ in a figure by more than the noise. */
export interface Comparison {
  /** The first shape's median over the second's; undefined when that is 0. */
  readonly ratio: number | undefined;
  /** How often chance alone gives a difference as large, 0 to 1. */
  readonly p: number;
  /** What the first shape's figure is, seen from the second. */
  readonly verdict: Verdict;
}

/**
 * Compares the measurements of two shapes by a permutation test of the rank sum (Mann and Whitney): it assumes nothing of how they are
 * distributed. Three repetitions of each cannot show a difference at this level; four can.
 */
export function compare(first: readonly number[], second: readonly number[]): Comparison {
  const [a, b] = [summaryOf(first), summaryOf(second)];
  if (!a || !b) return { ratio: undefined, p: 1, verdict: "too few repetitions" };
  const p = permutationTest(first, second);
  const ratio = b.median === 0 ? undefined : a.median / b.median;
  if (2 / choices(a.n + b.n, a.n) >= LEVEL) return { ratio, p, verdict: "too few repetitions" };
  if (p >= LEVEL || a.median === b.median) return { ratio, p, verdict: "no difference seen" };
  return { ratio, p, verdict: a.median < b.median ? "lower" : "higher" };
}

/** @returns the two-sided probability of a rank sum that lies as far from its mean */
export function permutationTest(first: readonly number[], second: readonly number[]): number {
  const ranks = ranksOf([...first, ...second]);
  const mean = (first.length * (ranks.length + 1)) / 2;
  const distance = (sum: number): number => Math.abs(sum - mean);
  const seen = distance(ranks.slice(0, first.length).reduce((sum, each) => sum + each, 0));
  let all = 0;
  let asFar = 0;
  for (const sum of rankSums(ranks, first.length)) {
    all++;
    if (distance(sum) >= seen - 1e-9) asFar++;
  }
  return asFar / all;
}

/** The rank sums of all choices of `size` ranks, or of many of them. */
function* rankSums(ranks: readonly number[], size: number): Generator<number> {
  if (choices(ranks.length, size) <= MAX_ARRANGEMENTS) {
    yield* sumsOfChoices(ranks, size, 0, 0);
    return;
  }
  const random = generator(ranks.length * 7_919 + size);
  for (let i = 0; i < MAX_ARRANGEMENTS; i++) {
    const left = [...ranks];
    let sum = 0;
    for (let taken = 0; taken < size; taken++) sum += left.splice(Math.floor(random() * left.length), 1)[0] as number;
    yield sum;
  }
}

function* sumsOfChoices(ranks: readonly number[], size: number, from: number, sum: number): Generator<number> {
  if (size === 0) {
    yield sum;
    return;
  }
  for (let i = from; i <= ranks.length - size; i++)
    yield* sumsOfChoices(ranks, size - 1, i + 1, sum + (ranks[i] as number));
}

function choices(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The same numbers at each run: a report that is made again from its raw data says the same. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
