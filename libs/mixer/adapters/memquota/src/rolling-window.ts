const SLOTS_PER_SECOND = 10;

/** A rate limit over a window that rolls on in steps of 100 ms. */
export class RollingWindow {
  readonly #slots: number[];
  #available: number;
  #tick: number;

  /** @param max units in one window, `seconds` its length, `tick` now in steps of 100 ms */
  constructor(max: number, seconds: number, tick: number) {
    this.#slots = new Array<number>(Math.ceil(seconds) * SLOTS_PER_SECOND).fill(0);
    this.#available = max;
    this.#tick = tick;
  }

  static tickOf(ms: number): number {
    return Math.floor(ms / 100);
  }

  /** Takes units. @returns how many were taken: all, or with `bestEffort` what there is, or none */
  take(amount: number, bestEffort: boolean, tick: number): number {
    this.#roll(tick);
    const taken = amount <= this.#available ? amount : bestEffort ? this.#available : 0;
    this.#available -= taken;
    this.#slots[this.#tick % this.#slots.length] = (this.#slots[this.#tick % this.#slots.length] as number) + taken;
    return taken;
  }

  /** Gives units back, those taken last first. @returns how many could be given back */
  give(amount: number, tick: number): number {
    this.#roll(tick);
    let left = amount;
    const length = this.#slots.length;
    for (let i = 0; i < length && left > 0; i++) {
      const at = (((this.#tick - i) % length) + length) % length;
      const freed = Math.min(this.#slots[at] as number, left);
      this.#slots[at] = (this.#slots[at] as number) - freed;
      left -= freed;
    }
    this.#available += amount - left;
    return amount - left;
  }

  /** Whether nothing is taken at all. */
  isFree(tick: number): boolean {
    this.#roll(tick);
    return this.#slots.every((each) => each === 0);
  }

  /** The clock was set back: what was taken is held for one window from now, not until the old time comes again. */
  #rebase(tick: number): void {
    const old = [...this.#slots];
    const length = old.length;
    const at = (each: number): number => ((each % length) + length) % length;
    for (let i = 0; i < length; i++) this.#slots[at(tick - i)] = old[at(this.#tick - i)] as number;
    this.#tick = tick;
  }

  #roll(tick: number): void {
    if (tick < this.#tick) this.#rebase(tick);
    const length = this.#slots.length;
    const steps = Math.min(length, tick - this.#tick);
    for (let i = 1; i <= steps; i++) {
      const at = (tick - steps + i) % length;
      this.#available += this.#slots[at] as number;
      this.#slots[at] = 0;
    }
    if (tick > this.#tick) this.#tick = tick;
  }
}
