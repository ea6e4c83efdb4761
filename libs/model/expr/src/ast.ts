import type { AttributeValue, ValueType } from "@xebec/model-attributes";

/** A parsed expression. `at` is the offset of its first character, of a call with an operator that of the operator. */
export type Expression = Literal | AttributeName | Call;

export interface Literal {
  readonly node: "literal";
  readonly at: number;
  readonly type: ValueType;
  readonly value: AttributeValue;
}

export interface AttributeName {
  readonly node: "attribute";
  readonly at: number;
  readonly name: string;
}

/** A function, a method or an operator: all are functions. */
export interface Call {
  readonly node: "call";
  readonly at: number;
  /** `EQ`, `OR`, `match`... */
  readonly name: string;
  readonly receiver: Expression | undefined;
  readonly args: readonly Expression[];
}
