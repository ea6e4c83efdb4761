import { isFields } from "./fields.ts";

/** A Kubernetes label selector. */
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const OPERATORS = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

export function isSelector(value: unknown): value is Selector {
  if (!isFields(value)) return false;
  const { matchLabels = {}, matchExpressions = [] } = value;
  return (
    isFields(matchLabels) &&
    Array.isArray(matchExpressions) &&
    matchExpressions.every(
      (each) => isFields(each) && typeof each.key === "string" && OPERATORS.has(String(each.operator)),
    )
  );
}

/** Whether labels fit, as in Kubernetes: an empty selector fits everything. */
export function selectorFits(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "In") return value !== undefined && values.includes(value);
      if (operator === "NotIn") return value === undefined || !values.includes(value);
      if (operator === "Exists") return value !== undefined;
      return operator === "DoesNotExist" && value === undefined;
    })
  );
}

/** The same for the injector's own selectors, of which an empty one fits nothing. */
export function selectorMatches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
  return !isEmpty && selectorFits(selector, labels);
}
