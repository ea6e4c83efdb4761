// For those who translate expressions into something else:
export type { AttributeName, Call, Expression, Literal } from "./ast.ts";
export { check, type Typed } from "./checker.ts";
export { type CompiledExpression, checkExpression, compileExpression } from "./compile.ts";
export { EvaluationError, ExpressionError } from "./expression-error.ts";
export { parse } from "./parser.ts";
export { regexTest } from "./regex.ts";
export { SIGNATURES, type Signature } from "./signatures.ts";
