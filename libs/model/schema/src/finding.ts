import type { Path, Violation } from "./violation.ts";

/** Gathers the violations of one reading. */
export class Finding {
  readonly violations: Violation[] = [];

  add(path: Path, message: string): void {
    this.violations.push({ path, message });
  }

  /** Whether something is wrong with this field itself, so that it need not be called absent, too. */
  hasAt(path: Path, name: string): boolean {
    return this.violations.some((each) => each.path.length === path.length + 1 && each.path.at(-1) === name);
  }
}
