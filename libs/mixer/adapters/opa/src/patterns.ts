import type { Module, Term } from "./ast.ts";
import { Query } from "./query.ts";
import type { Scope } from "./scope.ts";
import { freeIn, memberAt, membersOf } from "./terms.ts";
import { equal, RegoObject, RegoSet, type Value } from "./values.ts";

/** Terms that take values and give them to variables. */
export abstract class Patterns extends Query {
  protected *all(terms: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value[]> {
    const [first, ...rest] = terms;
    if (!first) {
      yield [];
      return;
    }
    for (const value of this.term(first, scope, module))
      for (const others of this.all(rest, scope, module)) yield [value, ...others];
  }

  protected *unify(left: Term, right: Term, scope: Scope, module: Module | undefined): Generator<Value> {
    if (left.kind === "array" && right.kind === "array" && left.items.length === right.items.length) {
      yield* this.unifyAll(left.items, right.items, scope, module);
      return;
    }
    // The side that has values gives them to the other.
    const isPattern = (term: Term): boolean => freeIn(term).some((name) => this.isUnbound(name, scope, module));
    const [pattern, source] = isPattern(left) || !isPattern(right) ? [left, right] : [right, left];
    for (const value of this.term(source, scope, module)) {
      const mark = scope.mark();
      for (const _ of this.match(pattern, value, scope, module)) yield true;
      scope.undo(mark);
    }
  }

  protected *unifyAll(
    left: readonly Term[],
    right: readonly Term[],
    scope: Scope,
    module: Module | undefined,
  ): Generator<Value> {
    const [first, ...rest] = left;
    if (!first) {
      yield true;
      return;
    }
    for (const _ of this.unify(first, right[0] as Term, scope, module))
      yield* this.unifyAll(rest, right.slice(1), scope, module);
  }

  /** Binds the variables of a pattern so that it equals a value. */
  protected *match(pattern: Term, value: Value, scope: Scope, module: Module | undefined): Generator<void> {
    this.step();
    if (pattern.kind === "var" && this.isUnbound(pattern.name, scope, module)) {
      const mark = scope.mark();
      if (pattern.name !== "_") scope.bind(pattern.name, value);
      yield;
      scope.undo(mark);
    } else if (pattern.kind === "array") {
      if (Array.isArray(value) && value.length === pattern.items.length)
        yield* this.matchAll(pattern.items, value, scope, module);
    } else if (pattern.kind === "object") {
      if (!(value instanceof RegoObject) || value.size !== pattern.entries.length) return;
      for (const keys of this.all(
        pattern.entries.map(([key]) => key),
        scope,
        module,
      )) {
        const values = keys.map((key) => value.get(key));
        if (values.every((each) => each !== undefined))
          yield* this.matchAll(
            pattern.entries.map(([, each]) => each),
            values as Value[],
            scope,
            module,
          );
      }
    } else for (const each of this.term(pattern, scope, module)) if (equal(each, value)) yield;
  }

  protected *matchAll(
    patterns: readonly Term[],
    values: readonly Value[],
    scope: Scope,
    module: Module | undefined,
  ): Generator<void> {
    const [first, ...rest] = patterns;
    if (!first) {
      yield;
      return;
    }
    for (const _ of this.match(first, values[0] as Value, scope, module))
      yield* this.matchAll(rest, values.slice(1), scope, module);
  }

  /** Goes along a path in a value; variables without value take each key. */
  protected *walk(value: Value, path: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value> {
    const [first, ...rest] = path;
    if (!first) {
      yield value;
      return;
    }
    this.step();
    const isFree = freeIn(first).some((name) => this.isUnbound(name, scope, module));
    if (isFree) {
      for (const [key, each] of membersOf(value)) {
        const mark = scope.mark();
        for (const _ of this.match(first, value instanceof RegoSet ? each : key, scope, module))
          yield* this.walk(each, rest, scope, module);
        scope.undo(mark);
      }
      return;
    }
    for (const key of this.term(first, scope, module)) {
      const next = memberAt(value, key);
      if (next !== undefined) yield* this.walk(next, rest, scope, module);
    }
  }
}
