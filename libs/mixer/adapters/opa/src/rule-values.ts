import type { Module, Rule, Term } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { RegoError } from "./lexer.ts";
import { Patterns } from "./patterns.ts";
import type { Package, Rules } from "./query.ts";
import { Scope } from "./scope.ts";
import { freeIn } from "./terms.ts";
import { equal, RegoObject, RegoSet, type Value } from "./values.ts";

/** The value of a rule that is being looked for. */
const ACTIVE: Value = new RegoSet();

/** Rules, functions and the documents that packages are. */
export abstract class RuleValues extends Patterns {
  readonly #ids = new Map<Package, number>();

  /** Goes along a path that begins at `input` or `data`. */
  protected *path(
    base: readonly string[],
    path: readonly Term[],
    scope: Scope,
    module: Module | undefined,
  ): Generator<Value> {
    const all: readonly Term[] = [...base.slice(1).map((value): Term => ({ kind: "value", value })), ...path];
    if (base[0] === "input") {
      if (this.input !== undefined) yield* this.walk(this.input, all, scope, module);
      return;
    }
    let at: Package = this.root;
    for (const [i, each] of all.entries()) {
      if (each.kind !== "value" || typeof each.value !== "string") break;
      const rules = at.rules.get(each.value);
      if (rules) {
        const value = this.rule(rules, `${each.value}`, at);
        if (value !== undefined) yield* this.walk(value, all.slice(i + 1), scope, module);
        return;
      }
      const next = at.children.get(each.value);
      if (!next) return;
      at = next;
      if (i + 1 === all.length) {
        yield this.document(at);
        return;
      }
      if (all.slice(i + 1)[0]?.kind !== "value") {
        yield* this.walk(this.document(at), all.slice(i + 1), scope, module);
        return;
      }
    }
    yield* this.walk(this.document(at), all.slice(0), scope, module);
  }

  protected document(at: Package): Value {
    const out = new RegoObject();
    for (const [name, child] of at.children) out.set(name, this.document(child));
    for (const [name, rules] of at.rules) {
      const value = rules.some(({ rules: [rule] }) => rule?.form === "function")
        ? undefined
        : this.rule(rules, name, at);
      if (value !== undefined) out.set(name, value);
    }
    return out;
  }

  protected rule(found: Rules, name: string, of: Package): Value | undefined {
    const id = this.#ids.get(of) ?? this.#ids.size;
    this.#ids.set(of, id);
    const key = `${id} ${name}`;
    if (this.memo.has(key)) {
      const known = this.memo.get(key);
      if (known === ACTIVE) throw new RegoError(`the rule ${name} depends on itself`);
      return known;
    }
    this.memo.set(key, ACTIVE);
    const value = this.nested(() => this.valueOfRule(found, name));
    this.memo.set(key, value);
    return value;
  }

  protected valueOfRule(found: Rules, name: string): Value | undefined {
    const all = found.flatMap(({ rules, module }) => rules.map((rule) => ({ rule, module })));
    const form = all[0]?.rule.form;
    if (form === "function") throw new RegoError(`${name} is a function`);
    if (form === "set" || form === "object") {
      const set = new RegoSet();
      const object = new RegoObject();
      for (const { rule, module } of all) {
        const scope = new Scope();
        for (const _ of this.body(rule.body, scope, module))
          for (const [key, value] of this.all([rule.key as Term, rule.value], scope, module)) {
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
      value = this.agree(
        name,
        value,
        this.oneOf(rule, module, () => new Scope()),
      );
    const preset = all.find((each) => each.rule.isDefault);
    return value ?? (preset && this.oneOf(preset.rule, preset.module, () => new Scope()));
  }

  /** The value of a rule, or of the first `else` that has one. */
  protected oneOf(rule: Rule, module: Module, scopeOf: () => Scope | undefined): Value | undefined {
    for (let each: Rule | undefined = rule; each; each = each.otherwise) {
      const scope = scopeOf();
      if (!scope) return undefined;
      let value: Value | undefined;
      for (const _ of this.body(each.body, scope, module))
        for (const found of this.term(each.value, scope, module)) value = this.agree(rule.name, value, found);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  protected agree(name: string, a: Value | undefined, b: Value | undefined): Value | undefined {
    if (a !== undefined && b !== undefined && !equal(a, b)) throw new RegoError(`the rule ${name} has two values`);
    return a ?? b;
  }

  protected *call(name: string, args: readonly Term[], scope: Scope, module: Module | undefined): Generator<Value> {
    const own = this.functionOf(name, module);
    const builtin = own ? undefined : BUILTINS.get(name);
    if (!own && !builtin) throw new RegoError(`there is no function ${name}`);
    // One more argument takes the result.
    const arity = own ? (own[0]?.rules[0]?.args.length ?? 0) : (builtin as { arity: number }).arity;
    const result = args.length === arity + 1 ? args.at(-1) : undefined;
    for (const values of this.all(args.slice(0, arity), scope, module)) {
      this.step();
      const value = own ? this.nested(() => this.apply(own, name, values)) : builtin?.run(values);
      if (value === undefined) continue;
      if (result) for (const _ of this.match(result, value, scope, module)) yield true;
      else yield value;
    }
  }

  protected functionOf(name: string, module: Module | undefined) {
    const parts = name.split(".");
    const imported = module?.imports.get(parts[0] as string);
    const path = imported
      ? [...imported, ...parts.slice(1)]
      : parts[0] === "data"
        ? parts
        : ["data", ...(module?.path ?? []), ...parts];
    let at: Package | undefined = this.root;
    for (const each of path.slice(1, -1)) at = at?.children.get(each);
    const found = at?.rules.get(path.at(-1) as string);
    return found?.[0]?.rules[0]?.form === "function" ? found : undefined;
  }

  protected apply(found: Rules, name: string, values: readonly Value[]): Value | undefined {
    let value: Value | undefined;
    const preset: (Value | undefined)[] = [];
    for (const { rules, module } of found)
      for (const rule of rules) {
        const scopeOf = (): Scope | undefined => {
          const scope = new Scope();
          for (const arg of rule.args) for (const each of freeIn(arg)) scope.local.add(each);
          // The first match is the only one: arguments are values, or bind what has none.
          const matched = this.matchAll(rule.args, values, scope, module).next();
          return matched.done ? undefined : scope;
        };
        const own = this.oneOf(rule, module, scopeOf);
        if (rule.isDefault) preset.push(own);
        else value = this.agree(name, value, own);
      }
    return value ?? preset[0];
  }
}
