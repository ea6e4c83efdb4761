import { TemplateError } from "./template-error.ts";

/** The variables that a place of a template sees; each has a slot of its own in the frame. */
export class Scope {
  #names: (readonly [name: string, slot: number])[] = [["", 0]];
  #slots = 1;

  get slots(): number {
    return this.#slots;
  }

  declare(name: string): number {
    const slot = this.#slots++;
    this.#names.push([name, slot]);
    return slot;
  }

  /** @throws TemplateError for a variable that is not declared here */
  slotOf(name: string, line: number): number {
    const found = this.#names.findLast(([each]) => each === name);
    if (!found) throw new TemplateError(`undefined variable "$${name}"`, line);
    return found[1];
  }

  /** What is declared in between is seen in there only. */
  within<T>(read: () => T): T {
    const before = this.#names.length;
    const result = read();
    this.#names.length = before;
    return result;
  }
}
