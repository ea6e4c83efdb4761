/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object to analyze: of Istio or of Kubernetes. */
export interface AnalyzedObject {
  /** Empty for Kubernetes' core group. */
  readonly group: string;
  readonly kind: string;
  /** Empty for kinds without namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** In the form in which all services see it; of kinds of Kubernetes as it was written. */
  readonly spec: Fields;
  /** The whole object as it was written. */
  readonly value: Fields;
  /** The file that it stands in. */
  readonly file?: string;
  /** The line of a path in the file, from 1. */
  readonly lineOf?: (path: readonly (string | number)[]) => number;
  /** Analyzers report nothing of it: it is there for others to refer to. */
  readonly isContext?: boolean;
}

/** A field that holds an object; empty when it is absent or something else. */
export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A field that holds a list of objects. */
export function items(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

/** A field that holds a text or a number; empty when it is absent. */
export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** A field that holds a list of texts. */
export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

/** A field that holds a map of texts, such as labels. */
export function textMap(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields(value)).map(([key, each]) => [key, text(each)]));
}
