import type { Body, Module, Rule, Term } from "./ast.ts";
import { RegoError } from "./lexer.ts";
import type { Scope } from "./scope.ts";
import type { Value } from "./values.ts";

/** Most steps of one query: a policy must not hold up the service. */
const MOST_STEPS = 50_000;
/** Most rules and functions within each other. */
const MOST_DEPTH = 60;

/** A variable has no value yet; another expression may give it one. */
export class Unsafe extends RegoError {}

/** The rules of one name, by the module that has them. */
export type Rules = readonly { readonly rules: readonly Rule[]; readonly module: Module }[];

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

/** What one query knows: the packages, the input, what was found so far, and how much it may still do. */
export abstract class Query {
  protected readonly root: Package;
  protected input: Value | undefined;
  /** Values of rules that were found, or are being looked for. */
  protected memo = new Map<string, Value | undefined>();
  #steps = 0;
  #depth = 0;

  constructor(root: Package, input: Value | undefined) {
    this.root = root;
    this.input = input;
  }

  /** Goes through the solutions of a body. */
  protected abstract body(body: Body, scope: Scope, module: Module | undefined): Generator<void>;
  /** The values of a term, one for each solution. */
  protected abstract term(term: Term, scope: Scope, module: Module | undefined): Generator<Value>;

  protected step(): void {
    if (++this.#steps > MOST_STEPS) throw new RegoError(`the policy needs more than ${MOST_STEPS} steps`);
  }

  protected nested<T>(work: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw new RegoError("rules are nested too deep");
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }

  protected isUnbound(name: string, scope: Scope, module: Module | undefined): boolean {
    return this.lookup(name, scope, module) === undefined;
  }

  /** What a name stands for; undefined: a variable without value. */
  protected lookup(
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
    return module && this.root.at(module.path).rules.has(name) ? { path: ["data", ...module.path, name] } : undefined;
  }
}
