import type { AttributeValue, ValueType, Vocabulary } from "@xebec/model-attributes";
import type { Expression } from "./ast.ts";
import { ExpressionError } from "./expression-error.ts";
import { DEFINED_FOR, type Parameter, SIGNATURES } from "./signatures.ts";

/** An expression whose types are known and agree. */
export type Typed =
  | { readonly node: "literal"; readonly at: number; readonly type: ValueType; readonly value: AttributeValue }
  | { readonly node: "attribute"; readonly at: number; readonly type: ValueType; readonly name: string }
  | {
      readonly node: "call";
      readonly at: number;
      readonly type: ValueType;
      readonly name: string;
      /** The receiver, if there is one, and the arguments. */
      readonly args: readonly Typed[];
    };

/**
 * Checks the types of an expression (docs/reference/mixer.md §4.3).
 * @param text the expression's text, for places in errors
 * @throws ExpressionError
 */
export function check(expression: Expression, vocabulary: Pick<Vocabulary, "typeOf">, text: string): Typed {
  const fail = (at: number, reason: string): never => {
    throw new ExpressionError(text, at, reason);
  };
  const visit = (node: Expression): Typed => {
    if (node.node === "literal") return node;
    if (node.node === "attribute") {
      const type = vocabulary.typeOf(node.name) ?? fail(node.at, `unknown attribute ${node.name}`);
      return { ...node, type };
    }
    const { name, at } = node;
    const signature = SIGNATURES.get(name) ?? fail(at, `unknown function ${name}`);
    if (signature.receiver !== undefined && !node.receiver)
      fail(at, `${name} is a method: write value.${name}(...); invoking instance method without an instance`);
    if (signature.receiver === undefined && node.receiver)
      fail(at, `${name} is a function: write ${name}(...); invoking regular function on instance method`);
    const wanted: Parameter[] = [...(signature.receiver ? [signature.receiver] : []), ...signature.parameters];
    const given = [...(node.receiver ? [node.receiver] : []), ...node.args];
    if (node.args.length !== signature.parameters.length)
      fail(at, `${name} takes ${signature.parameters.length} arguments, not ${node.args.length}: arity mismatch`);
    let bound: ValueType | undefined;
    // A loop, not a callback: a long chain of operators is a deep tree.
    const args: Typed[] = [];
    for (const each of given) {
      const typed = visit(each);
      const want = wanted[args.length] as Parameter;
      if (want === "T") bound ??= typed.type;
      const type = want === "T" ? bound : want;
      if (typed.type !== type)
        fail(typed.at, `${name} argument ${args.length + 1}: typeError got ${typed.type}, expected ${type}`);
      args.push(typed);
    }
    const type = bound ?? args[0]?.type;
    if (type && DEFINED_FOR[name] && !DEFINED_FOR[name].includes(type)) fail(at, `${name} is not defined for ${type}`);
    const result = signature.result === "T" ? (bound as ValueType) : signature.result;
    return { node: "call", at, type: result, name, args };
  };
  return visit(expression);
}
