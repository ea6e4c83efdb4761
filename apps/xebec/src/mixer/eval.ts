import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { readManifest } from "@xebec/core-yaml";
import {
  AttributeBag,
  type AttributeValue,
  attributeFromJson,
  attributeToJson,
  createVocabulary,
  Layout,
  type ValueType,
  type Vocabulary,
  valueTypeOf,
} from "@xebec/model-attributes";
import { type Reference, ReferenceTracker } from "@xebec/model-attributes/wire";
import { compileExpression, EvaluationError, ExpressionError, parse } from "@xebec/model-expr";

export interface EvalOptions {
  readonly expr?: string;
  readonly attributes?: string;
  readonly manifest?: string;
  readonly batch?: string;
  readonly output: "table" | "json";
}

/** What an expression gave. */
export interface Evaluated {
  readonly type?: ValueType;
  readonly value?: unknown;
  readonly error?: { readonly kind: "parse" | "type" | "missing-attribute" | "evaluation"; readonly message: string };
  readonly referenced: readonly Reference[];
}

type Given = Readonly<Record<string, unknown>>;

/** `xebec mixer eval`. @returns 0, or 1 when the expression gave an error */
export async function mixerEval({ expr, attributes, manifest, batch, output }: EvalOptions): Promise<number> {
  if (batch !== undefined) {
    const lines = readFileSync(batch === "-" ? 0 : batch, "utf8");
    for (const line of lines.split("\n")) {
      if (line.trim() === "") continue;
      const one = JSON.parse(line) as {
        readonly expr?: string;
        readonly attributes?: Given;
        readonly manifest?: Given;
      };
      const text = one.expr ?? expr;
      if (text === undefined) throw new XebecError("invalid_argument", "a line without expr needs --expr");
      const types = one.manifest ?? (manifest === undefined ? undefined : read(manifest));
      process.stdout.write(`${JSON.stringify(evaluate(text, one.attributes ?? {}, types))}\n`);
    }
    return 0;
  }
  if (expr === undefined) throw new XebecError("invalid_argument", "--expr or --batch is required");
  const result = evaluate(expr, attributes ? read(attributes) : {}, manifest ? read(manifest) : undefined);
  if (output === "json") process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else if (result.error) process.stdout.write(`${result.error.kind}: ${result.error.message}\n`);
  else process.stdout.write(`${result.type} ${JSON.stringify(result.value)}\n`);
  return result.error ? 1 : 0;
}

function read(file: string): Given {
  const [object] = readManifest(readFileSync(file, "utf8")).objects;
  return (object?.value ?? {}) as Given;
}

/**
 * Evaluates an expression.
 * @param attributes values by name, as YAML and JSON have them
 * @param manifest an attributemanifest, its spec, or types by name
 */
export function evaluate(expr: string, attributes: Given, manifest: Given = {}): Evaluated {
  const vocabulary = createVocabulary(typesOf(manifest));
  const none = { referenced: [] };
  try {
    parse(expr);
  } catch (error) {
    return { ...none, error: { kind: "parse", message: (error as Error).message } };
  }
  const layout = new Layout(vocabulary);
  let code: ReturnType<typeof compileExpression>;
  try {
    code = compileExpression(expr, layout);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { ...none, error: { kind: "type", message: error.message } };
  }
  layout.freeze();
  const bag = new FileBag(layout, valuesOf(attributes, vocabulary));
  const tracker = new ReferenceTracker(layout);
  bag.tracker = tracker;
  try {
    const value = code.evaluate(bag);
    return { type: code.type, value: attributeToJson(code.type, value), referenced: tracker.list() };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    const kind = /lookup failed/.test(error.message) ? "missing-attribute" : "evaluation";
    return { type: code.type, error: { kind, message: error.message }, referenced: tracker.list() };
  }
}

function typesOf(manifest: Given): [string, ValueType][] {
  const spec = (manifest.spec ?? manifest) as Given;
  return Object.entries((spec.attributes ?? spec) as Given).flatMap(([name, given]) => {
    const type = valueTypeOf(
      typeof given === "string" ? given : ((given as Given).valueType ?? (given as Given).value_type),
    );
    if (type === undefined) throw new XebecError("invalid_argument", `--manifest: ${name} has no value type`);
    return [[name, type]];
  });
}

function valuesOf(attributes: Given, vocabulary: Vocabulary): Map<string, AttributeValue> {
  return new Map(
    Object.entries(attributes).map(([name, given]) => {
      const type = vocabulary.typeOf(name);
      if (type === undefined) throw new XebecError("invalid_argument", `--attributes: there is no attribute ${name}`);
      const value = attributeFromJson(type, given);
      if (value === undefined) throw new XebecError("invalid_argument", `--attributes: ${name} is not a ${type}`);
      return [name, value];
    }),
  );
}

/** The attributes of a file. */
class FileBag extends AttributeBag {
  readonly #given: ReadonlyMap<string, AttributeValue>;

  constructor(layout: Layout, given: ReadonlyMap<string, AttributeValue>) {
    super(layout);
    this.#given = given;
  }

  protected load(slot: number): AttributeValue | undefined {
    const value = this.#given.get(this.layout.names[slot] as string);
    if (!(value instanceof Map)) return value;
    return {
      get: (key) => {
        const found = value.get(key) as string | undefined;
        this.tracker?.entry(slot, key, found !== undefined);
        return found;
      },
      entries: () => value.entries() as Iterable<[string, string]>,
    };
  }
}
