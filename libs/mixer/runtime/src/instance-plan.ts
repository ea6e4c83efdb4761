import type { Literal } from "@xebec/mixer-config";
import type { Instance, InstanceShape, Template, TemplateField, ValueMap } from "@xebec/mixer-sdk";
import type { AttributeBag, AttributeValue, Layout, ValueType } from "@xebec/model-attributes";
import { type CompiledExpression, compileExpression, EvaluationError } from "@xebec/model-expr";

/** An instance whose expressions have been checked; its code is made when a rule uses it. */
export interface CheckedInstance {
  /** `<name>.<kind>.<namespace>`. */
  readonly name: string;
  /** The name without kind and namespace, by which clients ask for quotas. */
  readonly shortName: string;
  readonly template: Template;
  readonly params: Readonly<Record<string, unknown>>;
  readonly shape: InstanceShape;
}

/** Makes an instance of a request's attributes. */
export interface InstancePlan {
  readonly name: string;
  readonly shortName: string;
  readonly template: string;
  /** @throws EvaluationError naming the instance and the field */
  build(bag: AttributeBag, epoch: number): Instance;
}

/** A map of expressions, evaluated once per request however many instances have it. */
class MapPlan {
  readonly #names: readonly string[];
  readonly #codes: readonly Pick<CompiledExpression, "type" | "evaluate">[];
  readonly #types: readonly ValueType[];
  #epoch = -1;
  #value: ValueMap | undefined;

  constructor(entries: Readonly<Record<string, string | Literal>>, layout: Layout) {
    this.#names = Object.keys(entries).sort();
    this.#codes = this.#names.map((name) => codeOf(entries[name] as string | Literal, layout));
    this.#types = this.#codes.map((code) => code.type);
  }

  evaluate(bag: AttributeBag, epoch: number, instance: string, goName: string): ValueMap {
    if (epoch === this.#epoch && this.#value) return this.#value;
    const codes = this.#codes;
    const values = new Array<AttributeValue>(codes.length);
    let i = 0;
    try {
      for (; i < codes.length; i++) values[i] = (codes[i] as Pick<CompiledExpression, "evaluate">).evaluate(bag);
    } catch (error) {
      throw failure(instance, `${goName}[${this.#names[i]}]`, error);
    }
    this.#epoch = epoch;
    this.#value = { names: this.#names, types: this.#types, values };
    return this.#value;
  }
}

function failure(instance: string, field: string, cause: unknown): EvaluationError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new EvaluationError(`evaluation failed at [${instance}]'${field}': '${text}'`);
}

/** The code of an expression, or of a value that is none. */
function codeOf(text: string | Literal, layout: Layout): Pick<CompiledExpression, "type" | "constant" | "evaluate"> {
  if (typeof text === "string") return compileExpression(text, layout);
  const { type, value } = text;
  return { type, constant: value, evaluate: () => value };
}

type Step = (bag: AttributeBag, epoch: number, out: Record<string, unknown>) => void;

/** Compiles instances into one layout; equal maps of expressions are shared between them. */
export class InstanceCompiler {
  readonly #layout: Layout;
  readonly #maps = new Map<string, MapPlan>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  compile({ name, shortName, template, params, shape }: CheckedInstance): InstancePlan {
    const steps = this.#steps(name, template.fields, params, "");
    const types = shape.types;
    return {
      name,
      shortName,
      template: template.name,
      build(bag, epoch) {
        const out: Instance & Record<string, unknown> = { name, types };
        for (const step of steps) step(bag, epoch, out);
        return out;
      },
    };
  }

  #steps(
    instance: string,
    fields: readonly TemplateField[],
    values: Readonly<Record<string, unknown>>,
    path: string,
  ): Step[] {
    const steps: Step[] = [];
    for (const { key, goName, form, fields: inner } of fields) {
      const value = values[key];
      if (value === undefined || value === "") continue;
      if (form === "leaf")
        steps.push(leafStep(instance, key, path + goName, codeOf(value as string | Literal, this.#layout)));
      else if (form === "map") {
        const plan = this.#map(value as Record<string, string | Literal>);
        steps.push((bag, epoch, out) => {
          out[key] = plan.evaluate(bag, epoch, instance, path + goName);
        });
      } else {
        const nested = this.#steps(instance, inner, value as Record<string, unknown>, `${path}${goName}.`);
        steps.push((bag, epoch, out) => {
          const message: Record<string, unknown> = {};
          for (const step of nested) step(bag, epoch, message);
          out[key] = message;
        });
      }
    }
    return steps;
  }

  #map(entries: Readonly<Record<string, string | Literal>>): MapPlan {
    const id = JSON.stringify(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
    let plan = this.#maps.get(id);
    if (!plan) {
      plan = new MapPlan(entries, this.#layout);
      this.#maps.set(id, plan);
    }
    return plan;
  }
}

function leafStep(
  instance: string,
  key: string,
  goName: string,
  code: Pick<CompiledExpression, "constant" | "evaluate">,
): Step {
  const { constant } = code;
  if (constant !== undefined)
    return (_bag, _epoch, out) => {
      out[key] = constant;
    };
  return (bag, _epoch, out) => {
    try {
      out[key] = code.evaluate(bag);
    } catch (error) {
      throw failure(instance, goName, error);
    }
  };
}
