import type { Body, Literal, Module, Term } from "./ast.ts";
import { RegoError } from "./lexer.ts";
import { Unsafe } from "./query.ts";
import { RuleValues } from "./rule-values.ts";
import { Scope } from "./scope.ts";
import { bound, freeIn, membersOf, namesIn, replaced } from "./terms.ts";
import { RegoObject, RegoSet, type Value } from "./values.ts";

/** Evaluates queries over modules. One evaluator answers one query. */
export class Evaluator extends RuleValues {
  /** The values of the last expression of a query, one for each solution. @throws RegoError */
  query(body: Body): Value[] {
    const out: Value[] = [];
    const last = body.at(-1) as Literal;
    const scope = new Scope();
    if (last.kind !== "expr") return [...this.body(body, scope, undefined)].map(() => true);
    for (const _ of this.body(body.slice(0, -1), scope, undefined))
      for (const value of this.term(last.term, scope, undefined)) out.push(value);
    return out;
  }

  protected *body(body: Body, scope: Scope, module: Module | undefined): Generator<void> {
    const [first] = body;
    if (!first) {
      yield;
      return;
    }
    // The order of expressions does not matter: one whose variables have no values yet waits for the others.
    for (let i = 0; i < body.length; i++) {
      const literal = body[i] as Literal;
      const rest = body.filter((_, j) => j !== i);
      const mark = scope.mark();
      const solutions = this.literal(literal, scope, module);
      let next: IteratorResult<void>;
      try {
        next = solutions.next();
      } catch (error) {
        scope.undo(mark);
        if (error instanceof Unsafe && i + 1 < body.length) continue;
        throw error;
      }
      while (!next.done) {
        yield* this.body(rest, scope, module);
        next = solutions.next();
      }
      return;
    }
  }

  protected *literal(literal: Literal, scope: Scope, module: Module | undefined): Generator<void> {
    this.step();
    if (literal.with.length === 0) {
      yield* this.plain(literal, scope, module);
      return;
    }
    const [input, memo] = [this.input, this.memo];
    let changed = input;
    for (const [path, term] of literal.with) {
      if (path[0] !== "input") throw new RegoError("with can replace input only");
      const [value] = this.term(term, scope, module);
      if (value === undefined) return;
      changed = replaced(changed, path.slice(1), value);
    }
    // What is found with another input holds for nothing else, so it is found before anything else goes on.
    this.input = changed;
    this.memo = new Map();
    let found: Map<string, Value>[];
    try {
      found = [];
      for (const _ of this.plain(literal, scope, module))
        found.push(new Map(namesIn(literal).flatMap((name) => bound(name, scope))));
    } finally {
      this.input = input;
      this.memo = memo;
    }
    for (const values of found) {
      const mark = scope.mark();
      for (const [name, value] of values) if (scope.get(name) === undefined) scope.bind(name, value);
      yield;
      scope.undo(mark);
    }
  }

  protected *plain(literal: Literal, scope: Scope, module: Module | undefined): Generator<void> {
    if (literal.kind === "some") {
      for (const name of literal.names) scope.local.add(name);
      yield;
    } else if (literal.kind === "not") {
      for (const name of freeIn(literal.term))
        if (name !== "_" && this.isUnbound(name, scope, module)) throw new Unsafe(`${name} has no value`);
      for (const value of this.term(literal.term, new Scope(scope), module)) if (value !== false) return;
      yield;
    } else if (literal.kind === "expr") {
      for (const value of this.term(literal.term, scope, module)) if (value !== false) yield;
    } else if (literal.kind === "someIn") {
      for (const name of [...freeIn(literal.value), ...(literal.key ? freeIn(literal.key) : [])])
        if (scope.get(name) === undefined) scope.local.add(name);
      for (const of of this.term(literal.of, scope, module))
        for (const [key, value] of membersOf(of)) {
          const mark = scope.mark();
          for (const _ of this.match(literal.value, value, scope, module))
            if (literal.key) for (const __ of this.match(literal.key, key, scope, module)) yield;
            else yield;
          scope.undo(mark);
        }
    } else {
      for (const of of this.term(literal.of, scope, module)) {
        const all = membersOf(of).every(([key, value]) => {
          const inner = new Scope(scope);
          for (const name of [literal.key, literal.value]) if (name) inner.local.add(name);
          if (literal.key) inner.bind(literal.key, key);
          inner.bind(literal.value, value);
          return !this.body(literal.body, inner, module).next().done;
        });
        if (all) yield;
      }
    }
  }

  protected *term(term: Term, scope: Scope, module: Module | undefined): Generator<Value> {
    this.step();
    switch (term.kind) {
      case "value":
        yield term.value;
        return;
      case "var": {
        const found = this.lookup(term.name, scope, module);
        if (!found) throw new Unsafe(`${term.name} has no value`);
        if ("value" in found) yield found.value;
        else yield* this.path(found.path, [], scope, module);
        return;
      }
      case "ref": {
        const found = term.head.kind === "var" ? this.lookup(term.head.name, scope, module) : undefined;
        if (term.head.kind === "var" && !found) throw new Unsafe(`${term.head.name} has no value`);
        if (found && "path" in found) yield* this.path(found.path, term.path, scope, module);
        else if (found) yield* this.walk(found.value, term.path, scope, module);
        else for (const head of this.term(term.head, scope, module)) yield* this.walk(head, term.path, scope, module);
        return;
      }
      case "array":
      case "set":
        for (const items of this.all(term.items, scope, module))
          yield term.kind === "array" ? items : new RegoSet(items);
        return;
      case "object":
        for (const flat of this.all(term.entries.flat(), scope, module))
          yield new RegoObject(term.entries.map((_, i) => [flat[2 * i] as Value, flat[2 * i + 1] as Value]));
        return;
      case "arrayOf":
      case "setOf": {
        const found: Value[] = [];
        const inner = new Scope(scope);
        for (const _ of this.body(term.body, inner, module)) found.push(...this.term(term.term, inner, module));
        yield term.kind === "arrayOf" ? found : new RegoSet(found);
        return;
      }
      case "objectOf": {
        const found = new RegoObject();
        const inner = new Scope(scope);
        for (const _ of this.body(term.body, inner, module))
          for (const [key, value] of this.all([term.key, term.term], inner, module))
            found.set(key as Value, value as Value);
        yield found;
        return;
      }
      case "call":
        yield* this.call(term.name, term.args, scope, module);
        return;
      default: {
        if (term.kind === "assign")
          for (const name of freeIn(term.left)) if (scope.get(name) === undefined) scope.local.add(name);
        yield* this.unify(term.left, term.right, scope, module);
      }
    }
  }
}
