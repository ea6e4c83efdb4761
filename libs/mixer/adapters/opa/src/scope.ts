import type { Value } from "./values.ts";

/** The variables of one rule or body while it is evaluated. What was bound can be taken back. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #trail: string[] = [];
  /** Names that are variables here although a rule or an import has them, too. */
  readonly local: Set<string>;
  readonly #parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.#parent = parent;
    this.local = new Set(parent?.local);
  }

  get(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#parent?.get(name);
  }

  bind(name: string, value: Value): void {
    this.#values.set(name, value);
    this.#trail.push(name);
  }

  mark(): number {
    return this.#trail.length;
  }

  undo(mark: number): void {
    while (this.#trail.length > mark) this.#values.delete(this.#trail.pop() as string);
  }
}
