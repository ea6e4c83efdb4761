import type { Instance } from "@xebec/mixer-sdk";
import type { AttributeBag } from "@xebec/model-attributes";
import type { CompiledExpression } from "@xebec/model-expr";
import type { HandlerSlot } from "./handlers.ts";
import type { Plan } from "./plan.ts";

interface Holder {
  preprocess(bag: AttributeBag): Promise<void> | undefined;
  planFor(bag: AttributeBag): Plan;
  retain(): void;
  release(): Promise<void>;
}

/** The instances for one handler and template. */
interface Outgoing {
  readonly handler: HandlerSlot;
  readonly template: string;
  readonly instances: Instance[];
}

/** So many instances are handed over at once, about: what waits in memory must not grow with what a caller sends. */
const FULL = 1000;

/** The reports of several requests, handed to each handler in one call per template (docs/reference/mixer.md §7.4). */
export class ReportBatch {
  readonly #holder: Holder;
  readonly #note: ((bag: AttributeBag) => void) | undefined;
  readonly #holds: (match: CompiledExpression | undefined, bag: AttributeBag) => boolean;
  readonly #nextEpoch: () => number;
  readonly #outgoing: Outgoing[] = [];
  readonly #errors: Error[] = [];
  #count = 0;
  /** The request whose attributes are still being found; no other can be added meanwhile. */
  #pending: Promise<void> | undefined;

  constructor(
    holder: Holder,
    note: ((bag: AttributeBag) => void) | undefined,
    holds: (match: CompiledExpression | undefined, bag: AttributeBag) => boolean,
    nextEpoch: () => number,
  ) {
    this.#holder = holder;
    this.#note = note;
    this.#holds = holds;
    this.#nextEpoch = nextEpoch;
  }

  /** Whether it is time for a `flush` before more is added. */
  get full(): boolean {
    return this.#count >= FULL || this.#pending !== undefined;
  }

  /** Evaluates what the rules want of one request. An instance that fails is left out and remembered as an error. */
  add(bag: AttributeBag): void {
    let ready: Promise<void> | undefined;
    try {
      ready = this.#holder.preprocess(bag);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (!ready) this.#collect(bag);
    else
      this.#pending = ready.then(
        () => this.#collect(bag),
        (error: unknown) => this.fail(error),
      );
  }

  #collect(bag: AttributeBag): void {
    const epoch = this.#nextEpoch();
    this.#note?.(bag);
    for (const { match, items } of this.#holder.planFor(bag).report) {
      if (!this.#holds(match, bag)) continue;
      for (const { handler, instance } of items) {
        let built: Instance;
        try {
          built = instance.build(bag, epoch);
        } catch (error) {
          this.fail(error);
          continue;
        }
        this.#to(handler, instance.template).instances.push(built);
        this.#count++;
      }
    }
  }

  /** Remembers an error that something else than a handler made. */
  fail(error: unknown): void {
    this.#errors.push(error instanceof Error ? error : new Error(String(error)));
  }

  /**
   * Hands all instances over; the batch can be filled again afterwards, once the handlers have answered. While a request's attributes
   * are being found, it waits for them and goes on collecting.
   * @param last nothing will be added any more
   * @returns all errors since the beginning; without a promise when all handlers answer so
   */
  flush(last = true): readonly Error[] | Promise<readonly Error[]> {
    const pending = this.#pending;
    if (pending) {
      this.#holder.retain();
      return pending
        .then(() => {
          this.#pending = undefined;
          return last || this.#count >= FULL ? this.#dispatch() : this.#errors;
        })
        .finally(() => this.#holder.release());
    }
    return this.#dispatch();
  }

  #dispatch(): readonly Error[] | Promise<readonly Error[]> {
    let waiting: Promise<void>[] | undefined;
    for (const { handler, template, instances } of this.#outgoing) {
      try {
        const result = handler.handler.report?.(instances, template);
        if (!(result instanceof Promise)) continue;
        waiting ??= [];
        waiting.push(result.catch((error: unknown) => this.fail(error)));
      } catch (error) {
        this.fail(error);
      }
    }
    this.#outgoing.length = 0;
    this.#count = 0;
    if (!waiting) return this.#errors;
    this.#holder.retain();
    return Promise.all(waiting)
      .then(() => this.#errors)
      .finally(() => this.#holder.release());
  }

  // A handful of entries: a search is cheaper than a map keyed by two values.
  #to(handler: HandlerSlot, template: string): Outgoing {
    for (const each of this.#outgoing) if (each.handler === handler && each.template === template) return each;
    const made: Outgoing = { handler, template, instances: [] };
    this.#outgoing.push(made);
    return made;
  }
}
