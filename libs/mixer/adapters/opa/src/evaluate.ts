import type { Body, Literal, Module, Rule, Term } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { RegoError } from "./lexer.ts";
import { Scope } from "./scope.ts";
import { equal, RegoObject, RegoSet, toJson, typeName, type Value } from "./values.ts";

/** Most steps of one query: a policy must not hold up the service. */
const MOST_STEPS = 50_000;
/** Most rules and functions within each other. */
const MOST_DEPTH = 60;

/** A variable has no value yet; another expression may give it one. */
class Unsafe extends RegoError {}

/** A package: its rules by name, and the packages below it. */
export class Package {
  readonly children = new Map<string, Package>();
  readonly rules = new Map<string, { readonly rules: Rule[]; readonly module: Module }[]>();

  at(path: readonly string[]): Package {
    let at: Package = this;
    for (const each of path) {
      const next = at.children.get(each) ?? new Package();
      at.children.set(each, next);
      at = next;
    }
    return at;
  }
}

/** Evaluates queries over modules. One evaluator answers one query. */
export class Evaluator {
  readonly #root: Package;
  #input: Value | undefined;
  #memo = new Map<string, Value | undefined>();
  #steps = 0;
  #depth = 0;

  constructor(root: Package, input: Value | undefined) {
    this.#root = root;
    this.#input = input;
  }

  /** The values of the last expression of a query, one for each solution. @throws RegoError */
  query(body: Body): Value[] {
    const out: Value[] = [];
    const last = body.at(-1) as Literal;
    const scope = new Scope();
    if (last.kind !== "expr") return [...this.#body(body, scope, undefined)].map(() => true);
    for (const _ of this.#body(body.slice(0, -1), scope, undefined))
      for (const value of this.#term(last.term, scope, undefined)) out.push(value);
    return out;
  }

  *#body(body: Body, scope: Scope, module: Module | undefined): Generator<void> {
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
      const solutions = this.#literal(literal, scope, module);
      let next: IteratorResult<void>;
      try {
        next = solutions.next();
      } catch (error) {
        scope.undo(mark);
        if (error instanceof Unsafe && i + 1 < body.length) continue;
        throw error;
      }
      while (!next.done) {
        yield* this.#body(rest, scope, module);
        next = solutions.next();
      }
      return;
    }
  }

  *#literal(literal: Literal, scope: Scope, module: Module | undefined): Generator<void> {
    this.#step();
    if (literal.with.length === 0) {
      yield* this.#plain(literal, scope, module);
      return;
    }
    const [input, memo] = [this.#input, this.#memo];
    let changed = input;
    for (const [path, term] of literal.with) {
      if (path[0] !== "input") throw new RegoError("with can replace input only");
      const [value] = this.#term(term, scope, module);
      if (value === undefined) return;
      changed = replaced(changed, path.slice(1), value);
    }
    // What is found with another input holds for nothing else, so it is found before anything else goes on.
    this.#input = changed;
    this.#memo = new Map();
    let found: Map<string, Value>[];
    try {
      found = [];
      for (const _ of this.#plain(literal, scope, module))
        found.push(new Map(namesIn(literal).flatMap((name) => bound(name, scope))));
    } finally {
      this.#input = input;
      this.#memo = memo;
    }
    for (const values of found) {
      const mark = scope.mark();
      for (const [name, value] of values) if (scope.get(name) === undefined) scope.bind(name, value);
      yield;
      scope.undo(mark);
    }
  }

  *#plain(literal: Literal, scope: Scope, module: Module | undefined): Generator<void> {
    if (literal.kind === "some") {
      for (const name of literal.names) scope.local.add(name);
      yield;
    } else if (literal.kind === "not") {
      for (const name of freeIn(literal.term))
        if (name !== "_" && this.#isUnbound(name, scope, module)) throw new Unsafe(`${name} has no value`);
      for (const value of this.#term(literal.term, new Scope(scope), module)) if (value !== false) return;
      yield;
    } else if (literal.kind === "expr") {
      for (const value of this.#term(literal.term, scope, module)) if (value !== false) yield;
    } else if (literal.kind === "someIn") {
      for (const name of [...freeIn(literal.value), ...(literal.key ? freeIn(literal.key) : [])])
        if (scope.get(name) === undefined) scope.local.add(name);
      for (const of of this.#term(literal.of, scope, module))
        for (const [key, value] of membersOf(of)) {
          const mark = scope.mark();
          for (const _ of this.#match(literal.value, value, scope, module))
            if (literal.key) for (const __ of this.#match(literal.key, key, scope, module)) yield;
            else yield;
          scope.undo(mark);
        }
    } else {
      for (const of of this.#term(literal.of, scope, module)) {
        const all = membersOf(of).every(([key, value]) => {
          const inner = new Scope(scope);
          for (const name of [literal.key, literal.value]) if (name) inner.local.add(name);
          if (literal.key) inner.bind(literal.key, key);
          inner.bind(literal.value, value);
          return !this.#body(literal.body, inner, module).next().done;
        });
        if (all) yield;
      }
    }
  }

  #step(): void {
    if (++this.#steps > MOST_STEPS) throw new RegoError(`the policy needs more than ${MOST_STEPS} steps`);
  }

  #isUnbound(name: string, scope: Scope, module: Module | undefined): boolean {
    return this.#lookup(name, scope, module) === undefined;
  }

  /** What a name stands for; undefined: a variable without value. */
  #lookup(
    name: string,
    scope: Scope,
    module: Module | undefined,
  ): { readonly value: Value } | { readonly path: readonly string[] } | undefined {
    const value = name === "_" ? undefined : scope.get(name);
    if (value !== undefined) return { value };
    if (scope.local.has(name) || name === "_") return undefined;
    if (name === "input" || name === "data") return { path: [name] };
    const imported = module?.imports.get(name);
    if (imported) return { path: imported };
    return module && this.#root.at(module.path).rules.has(name) ? { path: ["data", ...module.path, name] } : undefined;
  }

  *#term(term: Term, scope: Scope, module: Module | undefined): Generator<Value> {
    this.#step();
    switch (term.kind) {
      case "value":
        yield term.value;
        return;
      case "var": {
        const found = this.#lookup(term.name, scope, module);
        if (!found) throw new Unsafe(`${term.name} has no value`);
        if ("value" in found) yield found.value;
        else yield* this.#path(found.path, [], scope, module);
        return;
      }
      case "ref": {
        const found = term.head.kind === "var" ? this.#lookup(term.head.name, scope, module) : undefined;
        if (term.head.kind === "var" && !found) throw new Unsafe(`${term.head.name} has no value`);
        if (found && "path" in found) yield* this.#path(found.path, term.path, scope, module);
        else if (found) yield* this.#walk(found.value, term.path, scope, module);
        else for (const head of this.#term(term.head, scope, module)) yield* this.#walk(head, term.path, scope, module);
        return;
      }
      case "array":
      case "set":
        for (const items of this.#all(term.items, scope, module))
          yield term.kind === "array" ? items : new RegoSet(items);
        return;
      case "object":
        for (const flat of this.#all(term.entries.flat(), scope, module))
          yield new RegoObject(term.entries.map((_, i) => [flat[2 * i] as Value, flat[2 * i + 1] as Value]));
        return;
      case "arrayOf":
      case "setOf": {
        const found: Value[] = [];
        const inner = new Scope(scope);
        for (const _ of this.#body(term.body, inner, module)) found.push(...this.#term(term.term, inner, module));
        yield term.kind === "arrayOf" ? found : new RegoSet(found);
        return;
      }
      case "objectOf": {
        const found = new RegoObject();
        const inner = new Scope(scope);
        for (const _ of this.#body(term.body, inner, module))
          for (const [key, value] of this.#all([term.key, term.term], inner, module))
            found.set(key as Value, value as Value);
        yield found;
        return;
      }
      case "call":
        yield* this.#call(term.name, term.args, scope, module);
        return;
      default: {
        if (term.kind === "assign")
          for (const name of freeIn(term.left)) if (scope.get(name) === undefined) scope.local.add(name);
        yield* this.#unify(term.left, term.right, scope, module);
      }
    }
  }

  *#all(terms: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value[]> {
    const [first, ...rest] = terms;
    if (!first) {
      yield [];
      return;
    }
    for (const value of this.#term(first, scope, module))
      for (const others of this.#all(rest, scope, module)) yield [value, ...others];
  }

  *#unify(left: Term, right: Term, scope: Scope, module: Module | undefined): Generator<Value> {
    if (left.kind === "array" && right.kind === "array" && left.items.length === right.items.length) {
      yield* this.#unifyAll(left.items, right.items, scope, module);
      return;
    }
    // The side that has values gives them to the other.
    const isPattern = (term: Term): boolean => freeIn(term).some((name) => this.#isUnbound(name, scope, module));
    const [pattern, source] = isPattern(left) || !isPattern(right) ? [left, right] : [right, left];
    for (const value of this.#term(source, scope, module)) {
      const mark = scope.mark();
      for (const _ of this.#match(pattern, value, scope, module)) yield true;
      scope.undo(mark);
    }
  }

  *#unifyAll(
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
    for (const _ of this.#unify(first, right[0] as Term, scope, module))
      yield* this.#unifyAll(rest, right.slice(1), scope, module);
  }

  /** Binds the variables of a pattern so that it equals a value. */
  *#match(pattern: Term, value: Value, scope: Scope, module: Module | undefined): Generator<void> {
    this.#step();
    if (pattern.kind === "var" && this.#isUnbound(pattern.name, scope, module)) {
      const mark = scope.mark();
      if (pattern.name !== "_") scope.bind(pattern.name, value);
      yield;
      scope.undo(mark);
    } else if (pattern.kind === "array") {
      if (Array.isArray(value) && value.length === pattern.items.length)
        yield* this.#matchAll(pattern.items, value, scope, module);
    } else if (pattern.kind === "object") {
      if (!(value instanceof RegoObject) || value.size !== pattern.entries.length) return;
      for (const keys of this.#all(
        pattern.entries.map(([key]) => key),
        scope,
        module,
      )) {
        const values = keys.map((key) => value.get(key));
        if (values.every((each) => each !== undefined))
          yield* this.#matchAll(
            pattern.entries.map(([, each]) => each),
            values as Value[],
            scope,
            module,
          );
      }
    } else for (const each of this.#term(pattern, scope, module)) if (equal(each, value)) yield;
  }

  *#matchAll(
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
    for (const _ of this.#match(first, values[0] as Value, scope, module))
      yield* this.#matchAll(rest, values.slice(1), scope, module);
  }

  /** Goes along a path in a value; variables without value take each key. */
  *#walk(value: Value, path: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value> {
    const [first, ...rest] = path;
    if (!first) {
      yield value;
      return;
    }
    this.#step();
    const isFree = freeIn(first).some((name) => this.#isUnbound(name, scope, module));
    if (isFree) {
      for (const [key, each] of membersOf(value)) {
        const mark = scope.mark();
        for (const _ of this.#match(first, value instanceof RegoSet ? each : key, scope, module))
          yield* this.#walk(each, rest, scope, module);
        scope.undo(mark);
      }
      return;
    }
    for (const key of this.#term(first, scope, module)) {
      const next = memberAt(value, key);
      if (next !== undefined) yield* this.#walk(next, rest, scope, module);
    }
  }

  /** Goes along a path that begins at `input` or `data`. */
  *#path(base: readonly string[], path: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value> {
    const all: readonly Term[] = [...base.slice(1).map((value): Term => ({ kind: "value", value })), ...path];
    if (base[0] === "input") {
      if (this.#input !== undefined) yield* this.#walk(this.#input, all, scope, module);
      return;
    }
    let at: Package = this.#root;
    for (const [i, each] of all.entries()) {
      if (each.kind !== "value" || typeof each.value !== "string") break;
      const rules = at.rules.get(each.value);
      if (rules) {
        const value = this.#rule(rules, `${each.value}`, at);
        if (value !== undefined) yield* this.#walk(value, all.slice(i + 1), scope, module);
        return;
      }
      const next = at.children.get(each.value);
      if (!next) return;
      at = next;
      if (i + 1 === all.length) {
        yield this.#document(at);
        return;
      }
      if (all.slice(i + 1)[0]?.kind !== "value") {
        yield* this.#walk(this.#document(at), all.slice(i + 1), scope, module);
        return;
      }
    }
    yield* this.#walk(this.#document(at), all.slice(0), scope, module);
  }

  #document(at: Package): Value {
    const out = new RegoObject();
    for (const [name, child] of at.children) out.set(name, this.#document(child));
    for (const [name, rules] of at.rules) {
      const value = rules.some(({ rules: [rule] }) => rule?.form === "function")
        ? undefined
        : this.#rule(rules, name, at);
      if (value !== undefined) out.set(name, value);
    }
    return out;
  }

  readonly #ids = new Map<Package, number>();

  #rule(
    found: readonly { readonly rules: readonly Rule[]; readonly module: Module }[],
    name: string,
    of: Package,
  ): Value | undefined {
    const id = this.#ids.get(of) ?? this.#ids.size;
    this.#ids.set(of, id);
    const key = `${id} ${name}`;
    if (this.#memo.has(key)) {
      const known = this.#memo.get(key);
      if (known === ACTIVE) throw new RegoError(`the rule ${name} depends on itself`);
      return known;
    }
    this.#memo.set(key, ACTIVE);
    const value = this.#nested(() => this.#valueOf(found, name));
    this.#memo.set(key, value);
    return value;
  }

  #valueOf(
    found: readonly { readonly rules: readonly Rule[]; readonly module: Module }[],
    name: string,
  ): Value | undefined {
    const all = found.flatMap(({ rules, module }) => rules.map((rule) => ({ rule, module })));
    const form = all[0]?.rule.form;
    if (form === "function") throw new RegoError(`${name} is a function`);
    if (form === "set" || form === "object") {
      const set = new RegoSet();
      const object = new RegoObject();
      for (const { rule, module } of all) {
        const scope = new Scope();
        for (const _ of this.#body(rule.body, scope, module))
          for (const [key, value] of this.#all([rule.key as Term, rule.value], scope, module)) {
            set.add(key as Value);
            const known = object.get(key as Value);
            if (form === "object" && known !== undefined && !equal(known, value as Value))
              throw new RegoError(`the rule ${name} gives a key two values`);
            object.set(key as Value, value as Value);
          }
      }
      return form === "set" ? set : object;
    }
    let value: Value | undefined;
    for (const { rule, module } of all.filter((each) => !each.rule.isDefault))
      value = this.#agree(
        name,
        value,
        this.#oneOf(rule, module, () => new Scope()),
      );
    const preset = all.find((each) => each.rule.isDefault);
    return value ?? (preset && this.#oneOf(preset.rule, preset.module, () => new Scope()));
  }

  /** The value of a rule, or of the first `else` that has one. */
  #oneOf(rule: Rule, module: Module, scopeOf: () => Scope | undefined): Value | undefined {
    for (let each: Rule | undefined = rule; each; each = each.otherwise) {
      const scope = scopeOf();
      if (!scope) return undefined;
      let value: Value | undefined;
      for (const _ of this.#body(each.body, scope, module))
        for (const found of this.#term(each.value, scope, module)) value = this.#agree(rule.name, value, found);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #agree(name: string, a: Value | undefined, b: Value | undefined): Value | undefined {
    if (a !== undefined && b !== undefined && !equal(a, b)) throw new RegoError(`the rule ${name} has two values`);
    return a ?? b;
  }

  *#call(name: string, args: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value> {
    const own = this.#functionOf(name, module);
    const builtin = own ? undefined : BUILTINS.get(name);
    if (!own && !builtin) throw new RegoError(`there is no function ${name}`);
    // One more argument takes the result.
    const arity = own ? (own[0]?.rules[0]?.args.length ?? 0) : (builtin as { arity: number }).arity;
    const result = args.length === arity + 1 ? args.at(-1) : undefined;
    for (const values of this.#all(args.slice(0, arity), scope, module)) {
      this.#step();
      const value = own ? this.#nested(() => this.#apply(own, name, values)) : builtin?.run(values);
      if (value === undefined) continue;
      if (result) for (const _ of this.#match(result, value, scope, module)) yield true;
      else yield value;
    }
  }

  #functionOf(name: string, module: Module | undefined) {
    const parts = name.split(".");
    const imported = module?.imports.get(parts[0] as string);
    const path = imported
      ? [...imported, ...parts.slice(1)]
      : parts[0] === "data"
        ? parts
        : ["data", ...(module?.path ?? []), ...parts];
    let at: Package | undefined = this.#root;
    for (const each of path.slice(1, -1)) at = at?.children.get(each);
    const found = at?.rules.get(path.at(-1) as string);
    return found?.[0]?.rules[0]?.form === "function" ? found : undefined;
  }

  #apply(
    found: readonly { readonly rules: readonly Rule[]; readonly module: Module }[],
    name: string,
    values: readonly Value[],
  ): Value | undefined {
    let value: Value | undefined;
    const preset: (Value | undefined)[] = [];
    for (const { rules, module } of found)
      for (const rule of rules) {
        const scopeOf = (): Scope | undefined => {
          const scope = new Scope();
          for (const arg of rule.args) for (const each of freeIn(arg)) scope.local.add(each);
          // The first match is the only one: arguments are values, or bind what has none.
          const matched = this.#matchAll(rule.args, values, scope, module).next();
          return matched.done ? undefined : scope;
        };
        const own = this.#oneOf(rule, module, scopeOf);
        if (rule.isDefault) preset.push(own);
        else value = this.#agree(name, value, own);
      }
    return value ?? preset[0];
  }

  #nested<T>(work: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw new RegoError("rules are nested too deep");
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}

const ACTIVE: Value = new RegoSet();

function membersOf(value: Value): (readonly [Value, Value])[] {
  if (value instanceof RegoObject) return value.entries();
  if (value instanceof RegoSet) return value.items().map((each) => [each, each]);
  return Array.isArray(value) ? value.map((each, i) => [i, each]) : [];
}

function memberAt(value: Value, key: Value): Value | undefined {
  if (value instanceof RegoObject) return value.get(key);
  if (value instanceof RegoSet) return value.has(key) ? key : undefined;
  return Array.isArray(value) && typeof key === "number" ? value[key] : undefined;
}

function bound(name: string, scope: Scope): [string, Value][] {
  const value = scope.get(name);
  return value === undefined ? [] : [[name, value]];
}

function namesIn(literal: Literal): string[] {
  if (literal.kind === "some") return [];
  if (literal.kind === "someIn")
    return [...freeIn(literal.value), ...(literal.key ? freeIn(literal.key) : []), ...freeIn(literal.of)];
  return literal.kind === "every" ? freeIn(literal.of) : freeIn(literal.term);
}

/** The names in a term; those inside of comprehensions are their own. */
export function freeIn(term: Term): string[] {
  switch (term.kind) {
    case "var":
      return [term.name];
    case "ref":
      return [...freeIn(term.head), ...term.path.flatMap(freeIn)];
    case "call":
      return term.args.flatMap(freeIn);
    case "array":
    case "set":
      return term.items.flatMap(freeIn);
    case "object":
      return term.entries.flat().flatMap(freeIn);
    case "unify":
    case "assign":
      return [...freeIn(term.left), ...freeIn(term.right)];
    default:
      return [];
  }
}

function replaced(value: Value | undefined, path: readonly string[], by: Value): Value {
  const [first, ...rest] = path;
  if (first === undefined) return by;
  const object = value instanceof RegoObject ? value : new RegoObject();
  return new RegoObject([
    ...object.entries().filter(([key]) => key !== first),
    [first, replaced(object.get(first), rest, by)],
  ]);
}

export { toJson, typeName };
