import type { AttributeValue, ValueType } from "@xebec/model-attributes";

/** A value in an instance's parameters that is no expression (docs/reference/mixer.md §9.3). */
export class Literal {
  readonly type: ValueType;
  readonly value: AttributeValue;

  constructor(type: ValueType, value: AttributeValue) {
    this.type = type;
    this.value = value;
  }
}
