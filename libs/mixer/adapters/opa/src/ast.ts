import type { Value } from "./values.ts";

export type Term =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "var"; readonly name: string }
  /** `head` followed by `.name` or `[term]`. */
  | { readonly kind: "ref"; readonly head: Term; readonly path: readonly Term[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Term[] }
  | { readonly kind: "array" | "set"; readonly items: readonly Term[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [Term, Term])[] }
  | { readonly kind: "arrayOf" | "setOf"; readonly term: Term; readonly body: Body }
  | { readonly kind: "objectOf"; readonly key: Term; readonly term: Term; readonly body: Body }
  | { readonly kind: "unify" | "assign"; readonly left: Term; readonly right: Term };

/** An expression of a body, without what `with` replaces. */
export type Plain =
  | { readonly kind: "expr"; readonly term: Term }
  | { readonly kind: "not"; readonly term: Term }
  | { readonly kind: "some"; readonly names: readonly string[] }
  | { readonly kind: "someIn"; readonly key: Term | undefined; readonly value: Term; readonly of: Term }
  | {
      readonly kind: "every";
      readonly key: string | undefined;
      readonly value: string;
      readonly of: Term;
      readonly body: Body;
    };

export type Literal = Plain & { readonly with: readonly (readonly [path: readonly string[], Term])[] };

export type Body = readonly Literal[];

export interface Rule {
  readonly name: string;
  readonly form: "complete" | "function" | "set" | "object";
  readonly isDefault: boolean;
  readonly args: readonly Term[];
  /** Of a set its member, of an object its key. */
  readonly key: Term | undefined;
  readonly value: Term;
  readonly body: Body;
  readonly otherwise: Rule | undefined;
  readonly line: number;
}

export interface Module {
  readonly path: readonly string[];
  /** Paths by the names under which rules use them. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
  readonly rules: readonly Rule[];
}
