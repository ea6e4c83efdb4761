/** What repeats is logged once in this time, in milliseconds. */
export const REPEAT_MS = 60_000;
/** Lines of one kind, the same text of one scope with other fields, in that time. */
const SAME_TEXT = 50;
/** Warnings and errors of one scope in that time. */
const SAME_SCOPE = 500;
/** Different lines that are remembered. */
const REMEMBERED = 2_000;

/** How many lines were left out, and of what. */
export interface Suppressed {
  readonly scope: string;
  readonly level: number;
  readonly text: string;
  readonly count: number;
}

interface Counted {
  readonly scope: string;
  readonly level: number;
  readonly text: string;
  admitted: number;
  suppressed: number;
}

/**
 * Decides which warnings and errors are written: the same line of the same scope once in an interval, and so many lines of one kind and
 * of one scope. What is suppressed is counted and reported when the interval is over, so that nothing fills a disk and nothing is
 * swallowed.
 */
export class Repeats {
  readonly #reported: (suppressed: Suppressed) => void;
  readonly #schedule: (work: () => void) => void;
  readonly #lines = new Set<string>();
  readonly #counts = new Map<string, Counted>();
  #scheduled = false;

  /**
   * @param reported logs what was suppressed
   * @param schedule calls when an interval that begins now is over
   */
  constructor(reported: (suppressed: Suppressed) => void, schedule: (work: () => void) => void = afterInterval) {
    this.#reported = reported;
    this.#schedule = schedule;
  }

  /** @param fields what the line says besides, as text @returns whether the line is to be written */
  admits(scope: string, level: number, text: string, fields: string): boolean {
    const whole = this.#count(`scope ${scope}`, scope, level, "");
    const kind = this.#counts.size < REMEMBERED ? this.#count(`${scope} ${level} ${text}`, scope, level, text) : whole;
    const line = `${scope} ${level} ${text} ${fields}`;
    const isKnown = this.#lines.has(line);
    if (isKnown || kind.admitted >= SAME_TEXT || whole.admitted >= SAME_SCOPE) {
      kind.suppressed++;
      return false;
    }
    if (this.#lines.size < REMEMBERED) this.#lines.add(line);
    whole.admitted++;
    if (kind !== whole) kind.admitted++;
    return true;
  }

  #count(key: string, scope: string, level: number, text: string): Counted {
    let found = this.#counts.get(key);
    if (!found) {
      found = { scope, level, text, admitted: 0, suppressed: 0 };
      this.#counts.set(key, found);
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(() => this.#next());
    }
    return found;
  }

  #next(): void {
    this.#scheduled = false;
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    this.#lines.clear();
    for (const { scope, level, text, suppressed } of counts)
      if (suppressed > 0) this.#reported({ scope, level, text, count: suppressed });
  }
}

function afterInterval(work: () => void): void {
  setTimeout(work, REPEAT_MS).unref();
}
