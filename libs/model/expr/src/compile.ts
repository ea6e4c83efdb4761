import type { AttributeBag, AttributeValue, Layout, ValueType, Vocabulary } from "@xebec/model-attributes";
import { check, type Typed } from "./checker.ts";
import { EvaluationError, ExpressionError } from "./expression-error.ts";
import { type Code, FUNCTIONS } from "./functions.ts";
import { parse } from "./parser.ts";

/** An expression ready to be evaluated against bags of one layout. */
export interface CompiledExpression {
  readonly text: string;
  readonly type: ValueType;
  /** The attributes that it may read, in order of appearance, each once. */
  readonly attributes: readonly string[];
  /** Its value, when that is the same for all requests. */
  readonly constant: AttributeValue | undefined;
  /**
   * @throws EvaluationError when an attribute without default is absent or a value cannot be used; XebecError
   * invalid_argument when the caller sent an attribute in another type than declared
   */
  evaluate(bag: AttributeBag): AttributeValue;
}

/**
 * Compiles an expression to closures over the slots of a layout (docs/reference/mixer.md §4).
 * @param layout gets a slot for every attribute in the expression
 * @param expected the type that the expression must have; any when left out
 * @throws ExpressionError with line and column: wrong syntax, unknown attribute or function, wrong types, or a constant that
 * can never be used, as in `ip("x")`
 */
export function compileExpression(
  text: string,
  layout: Pick<Layout, "vocabulary" | "slot">,
  expected?: ValueType,
): CompiledExpression {
  const typed = checkedTree(text, layout.vocabulary, expected);
  const attributes = new Set<string>();
  const { run, constant } = generate(text, typed, (name) => {
    attributes.add(name);
    return layout.slot(name);
  });
  return { text, type: typed.type, attributes: [...attributes], constant, evaluate: run };
}

/**
 * Checks an expression as far as `compileExpression` would: what passes here compiles, constants included.
 * @returns its type
 * @throws ExpressionError with line and column
 */
export function checkExpression(text: string, vocabulary: Pick<Vocabulary, "typeOf">, expected?: ValueType): ValueType {
  const typed = checkedTree(text, vocabulary, expected);
  // The code is thrown away: it is never run, so any slot will do.
  generate(text, typed, () => 0);
  return typed.type;
}

/** @param slotOf gives the slot of an attribute. @throws ExpressionError for a constant that can never be used */
function generate(text: string, node: Typed, slotOf: (name: string) => number): Code {
  if (node.node === "literal") return literal(node.type, node.value);
  if (node.node === "attribute") return attribute(node.type, node.name, slotOf(node.name));
  const make = FUNCTIONS.get(node.name);
  if (!make) throw new ExpressionError(text, node.at, `unknown function ${node.name}`);
  const args: Code[] = [];
  for (const each of node.args) args.push(generate(text, each, slotOf));
  try {
    return { type: node.type, ...make(args, node.type) };
  } catch (error) {
    if (error instanceof EvaluationError) throw new ExpressionError(text, node.at, error.message);
    throw error;
  }
}

function checkedTree(text: string, vocabulary: Pick<Vocabulary, "typeOf">, expected: ValueType | undefined): Typed {
  const typed = check(parse(text), vocabulary, text);
  if (expected !== undefined && typed.type !== expected)
    throw new ExpressionError(text, 0, `the expression is of type ${typed.type}, expected ${expected}`);
  return typed;
}

function literal(type: ValueType, value: AttributeValue): Code {
  return { type, run: () => value, constant: value };
}

function attribute(type: ValueType, name: string, slot: number): Code {
  const absent = new EvaluationError(`lookup failed: '${name}'`);
  return {
    type,
    run: (bag) => {
      const value = bag.get(slot);
      if (value === undefined) throw absent;
      return value;
    },
    attempt: (bag) => bag.get(slot),
  };
}
