import { XebecError } from "@xebec/core-errors";
import type { Layout } from "./layout.ts";
import type { ReferenceTracker } from "./reference-tracker.ts";
import type { AttributeValue, StringMap } from "./value.ts";

const UNASKED = 0;
const PRESENT = 1;
const ABSENT = 2;
/** Set here, whatever the caller sends: never recorded as referenced. */
const OWN = 3;
/** Found here because the caller did not send it: recorded as absent. */
const DERIVED = 4;

/** Finds the value of an attribute that the caller did not send, or undefined. */
export type Derive = (bag: AttributeBag, slot: number) => AttributeValue | undefined;

/**
 * The attributes of one request, over the slots of a layout. Values are taken from the request when they are first asked
 * for. A bag is reused for later requests, so it must not be kept after its request.
 */
export abstract class AttributeBag {
  readonly layout: Layout;
  /** Records what was looked up, for the caller's cache; absent where nobody asks for it. */
  tracker: ReferenceTracker | undefined = undefined;
  /** Asked once per attribute that the request does not have. */
  derive: Derive | undefined = undefined;
  protected readonly states: Uint8Array;
  readonly #values: (AttributeValue | undefined)[];

  constructor(layout: Layout) {
    this.layout = layout;
    this.states = new Uint8Array(layout.size);
    this.#values = new Array<AttributeValue | undefined>(layout.size).fill(undefined);
  }

  /**
   * Reads an attribute from the request, called once per slot.
   * @throws XebecError invalid_argument when the value sent has another type than declared
   */
  protected abstract load(slot: number): AttributeValue | undefined;

  /**
   * The value of an attribute, recorded as referenced.
   * @returns undefined when it is absent
   * @throws XebecError invalid_argument when the value sent has another type than declared
   */
  get(slot: number): AttributeValue | undefined {
    let state = this.states[slot] as number;
    if (state === UNASKED) state = this.tracker === undefined ? this.#ask(slot) : this.#askTracked(slot, this.tracker);
    if (this.tracker !== undefined && state !== OWN) this.tracker.attribute(slot, state === PRESENT);
    return state === ABSENT ? undefined : this.#values[slot];
  }

  /** The same, but nothing is recorded. */
  peek(slot: number): AttributeValue | undefined {
    let state = this.states[slot] as number;
    if (state === UNASKED) state = this.#ask(slot);
    return state === ABSENT ? undefined : this.#values[slot];
  }

  /** Gives an attribute a value of our own, unless it has one. @returns whether it was taken */
  offer(slot: number, value: AttributeValue): boolean {
    let state = this.states[slot] as number;
    if (state === UNASKED) state = this.#ask(slot);
    if (state !== ABSENT) return false;
    this.#values[slot] = value;
    this.states[slot] = OWN;
    return true;
  }

  /**
   * Gives an attribute a value that was generated for the request. What the caller sent stays; what this bag or `derive` would find by
   * itself does not. Nothing is recorded.
   * @returns whether it was taken
   */
  generate(slot: number, value: AttributeValue): boolean {
    let state = this.states[slot] as number;
    if (state === UNASKED) state = this.#ask(slot);
    if (state === OWN || (state === PRESENT && !this.isFound(slot))) return false;
    this.impose(slot, value);
    return true;
  }

  /** Sets an attribute whatever the caller sent; undefined: it is absent. Nothing is recorded of a value. */
  impose(slot: number, value: AttributeValue | undefined): void {
    this.#values[slot] = value;
    this.states[slot] = value === undefined ? ABSENT : OWN;
  }

  /** Whether `load` finds the attribute elsewhere than in what the caller sent. */
  protected isFound(_slot: number): boolean {
    return false;
  }

  /** Forgets all values, before the next request. */
  protected forget(): void {
    this.states.fill(UNASKED);
  }

  /** Forgets the value of one slot, because the request has a new one. */
  protected forgetSlot(slot: number): void {
    this.states[slot] = UNASKED;
  }

  /** Forgets what was absent or derived, so that it is looked for again; values of the request stay. */
  forgetOwn(): void {
    const { states } = this;
    for (let i = 0; i < states.length; i++) if ((states[i] as number) > PRESENT) states[i] = UNASKED;
  }

  /** A value of the wrong type is one that the answer depends on, too. */
  #askTracked(slot: number, tracker: ReferenceTracker): number {
    try {
      return this.#ask(slot);
    } catch (error) {
      tracker.attribute(slot, true);
      throw error;
    }
  }

  #ask(slot: number): number {
    let value = this.load(slot);
    let state = PRESENT;
    if (value === undefined) {
      state = ABSENT;
      if (this.derive !== undefined) {
        value = this.derive(this, slot);
        if (value !== undefined) state = DERIVED;
      }
    }
    this.#values[slot] = value;
    this.states[slot] = state;
    return state;
  }

  /** The error for a value that came in another type than its attribute has. */
  protected mismatch(slot: number, got: string): XebecError {
    const { names, types } = this.layout;
    return new XebecError(
      "invalid_argument",
      `error converting value of '${names[slot]}' to ${types[slot]}: got ${got}`,
    );
  }
}

/** A bag of given values: for tests, for examples of configuration, and for attributes that no wire format holds. */
export class MutableBag extends AttributeBag {
  readonly #given = new Map<number, AttributeValue>();

  /** @param values by attribute name; names that no expression reads are left out */
  constructor(layout: Layout, values: Readonly<Record<string, AttributeValue>> = {}) {
    super(layout);
    for (const [name, value] of Object.entries(values)) this.set(name, value);
  }

  set(name: string, value: AttributeValue): this {
    const slot = this.layout.find(name);
    if (slot >= 0) {
      this.#given.set(slot, value);
      this.forgetSlot(slot);
    }
    return this;
  }

  protected override load(slot: number): AttributeValue | undefined {
    const value = this.#given.get(slot);
    if (value !== undefined && this.layout.types[slot] === "STRING_MAP" && this.tracker)
      return new TrackedMap(value as StringMap, slot, this.tracker);
    return value;
  }
}

class TrackedMap implements StringMap {
  readonly #map: StringMap;
  readonly #slot: number;
  readonly #tracker: ReferenceTracker;

  constructor(map: StringMap, slot: number, tracker: ReferenceTracker) {
    this.#map = map;
    this.#slot = slot;
    this.#tracker = tracker;
  }

  get(key: string): string | undefined {
    const value = this.#map.get(key);
    this.#tracker.entry(this.#slot, key, value !== undefined);
    return value;
  }

  entries(): Iterable<readonly [string, string]> {
    return this.#map.entries();
  }
}
