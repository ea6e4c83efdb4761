import type { Body, Literal, Module, Rule, Term } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { Evaluator } from "./evaluate.ts";
import { RegoError } from "./lexer.ts";
import { parseModule, parseQuery } from "./parser.ts";
import { Package } from "./query.ts";
import { fromJson, type Value } from "./values.ts";

/** Modules and a query, checked. */
export interface Policy {
  /** The values of the query for an input; none when it is undefined. @throws RegoError */
  evaluate(input: object): readonly Value[];
}

/**
 * Reads modules and a query.
 * @param modules texts of Rego
 * @param query such as `data.mesh.allow`
 * @throws RegoError that says which module is wrong, and where
 */
export function compilePolicy(modules: readonly string[], query: string): Policy {
  const root = new Package();
  const parsed = modules.map((text, i) => inModule(i, () => parseModule(text)));
  for (const [i, module] of parsed.entries()) inModule(i, () => add(root, module));
  for (const [i, module] of parsed.entries()) inModule(i, () => checkCalls(root, module));
  let body: Body;
  try {
    body = parseQuery(query);
  } catch (error) {
    throw new RegoError(`checkMethod: ${(error as Error).message}`);
  }
  return { evaluate: (input) => new Evaluator(root, fromJson(input)).query(body) };
}

function inModule<T>(i: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegoError) throw new RegoError(`policy[${i}]: ${error.message}`);
    throw error;
  }
}

function add(root: Package, module: Module): void {
  const at = root.at(module.path);
  for (const rule of module.rules) {
    const known = at.rules.get(rule.name) ?? [];
    const first = known[0]?.rules[0];
    if (first && first.form !== rule.form)
      throw new RegoError(
        `line ${rule.line}: the rule ${rule.name} is a ${first.form} rule elsewhere and a ${rule.form} rule here`,
      );
    if (first && first.args.length !== rule.args.length)
      throw new RegoError(`line ${rule.line}: the function ${rule.name} has another number of arguments elsewhere`);
    if (rule.isDefault && known.some(({ rules }) => rules.some((each) => each.isDefault)))
      throw new RegoError(`line ${rule.line}: the rule ${rule.name} has two defaults`);
    at.rules.set(rule.name, [...known, { rules: [rule], module }]);
  }
}

/** Every function that is called exists, with so many arguments. */
function checkCalls(root: Package, module: Module): void {
  const functions = new Map<string, number>();
  for (const [name, all] of root.at(module.path).rules) {
    const rule = all[0]?.rules[0];
    if (rule?.form === "function") functions.set(name, rule.args.length);
  }
  for (const rule of module.rules)
    for (let each: Rule | undefined = rule; each; each = each.otherwise)
      for (const { name, args } of [
        ...callsOf(each.value),
        ...(each.key ? callsOf(each.key) : []),
        ...callsIn(each.body),
      ]) {
        const [first = ""] = name.split(".");
        const arity = functions.get(name) ?? BUILTINS.get(name)?.arity;
        if (arity === undefined && (module.imports.has(first) || first === "data")) continue;
        if (arity === undefined)
          throw new RegoError(
            `line ${rule.line}: there is no function ${name}; of Rego's own some are not supported, see docs/mixer-policy.md`,
          );
        if (args !== arity && args !== arity + 1)
          throw new RegoError(`line ${rule.line}: ${name} takes ${arity} arguments, not ${args}`);
      }
}

interface Called {
  readonly name: string;
  readonly args: number;
}

function callsIn(body: Body): Called[] {
  return body.flatMap((each: Literal) => {
    const replaced = each.with.flatMap(([, term]) => callsOf(term));
    if (each.kind === "expr" || each.kind === "not") return [...callsOf(each.term), ...replaced];
    if (each.kind === "someIn") return [...callsOf(each.of), ...replaced];
    return each.kind === "every" ? [...callsOf(each.of), ...callsIn(each.body), ...replaced] : replaced;
  });
}

function callsOf(term: Term): Called[] {
  switch (term.kind) {
    case "call":
      return [{ name: term.name, args: term.args.length }, ...term.args.flatMap(callsOf)];
    case "ref":
      return [...callsOf(term.head), ...term.path.flatMap(callsOf)];
    case "array":
    case "set":
      return term.items.flatMap(callsOf);
    case "object":
      return term.entries.flat().flatMap(callsOf);
    case "arrayOf":
    case "setOf":
      return [...callsOf(term.term), ...callsIn(term.body)];
    case "objectOf":
      return [...callsOf(term.key), ...callsOf(term.term), ...callsIn(term.body)];
    case "unify":
    case "assign":
      return [...callsOf(term.left), ...callsOf(term.right)];
    default:
      return [];
  }
}
