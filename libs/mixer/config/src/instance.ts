import { didYouMean } from "@xebec/core-errors";
import type { InstanceShape } from "@xebec/mixer-sdk";
import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import { TEMPLATES, type Template, type TemplateField, templateOfInstance } from "@xebec/model-mixer";
import type { InstanceSpec } from "@xebec/model-resources";
import { type Path, readProtoJson } from "@xebec/model-schema";
import { bindingText, bindingVocabulary } from "./bindings.ts";
import { checkField } from "./expression.ts";
import type { MixerObject } from "./mixer-object.ts";
import { type MixerViolation, violation, withReason } from "./violation.ts";

/** An instance's template and its parameters before they are checked. */
export interface InstanceParts {
  /** Undefined when there is no such template. */
  readonly template: Template | undefined;
  readonly params: unknown;
  readonly paramsPath: Path;
  readonly violations: readonly MixerViolation[];
}

/** Finds the template of an instance (docs/reference/mixer.md §7.2). */
export function instanceParts({ kind, spec }: MixerObject): InstanceParts {
  const named = spec as InstanceSpec;
  const template = templateOfInstance(kind, named);
  if (kind !== "instance") return { template, params: spec, paramsPath: ["spec"], violations: [] };
  const { compiledTemplate = "", attributeBindings, params } = named;
  const at = (field: string): Path => ["spec", field];
  const violations: MixerViolation[] = [];
  if (compiledTemplate === "")
    violations.push(violation("InvalidSpec", at("compiledTemplate"), "is required: the template's name"));
  else if (!template) {
    const known = [...TEMPLATES.keys()].sort();
    const advice = didYouMean(compiledTemplate, known) || `; the templates are ${known.join(", ")}`;
    violations.push(
      violation("UnknownTemplate", at("compiledTemplate"), `there is no template "${compiledTemplate}"${advice}`),
    );
  }
  const all = attributeBindings ? { ...params, attributeBindings } : params;
  return { template, params: all, paramsPath: at("params"), violations };
}

/** An instance's parameters that were checked. */
export interface CheckedParams {
  readonly params: Readonly<Record<string, unknown>>;
  readonly shape: Pick<InstanceShape, "types" | "maps">;
  readonly violations: readonly MixerViolation[];
}

/** Checks parameters by their template: names of fields, and expressions. An empty leaf is not evaluated; an empty entry of a map is wrong. */
export function checkInstanceParams(
  template: Template,
  { params, paramsPath }: Pick<InstanceParts, "params" | "paramsPath">,
  vocabulary: Vocabulary,
): CheckedParams {
  const read = readProtoJson(template.params, params ?? {}, paramsPath);
  const types: Record<string, ValueType> = {};
  const maps: Record<string, Record<string, ValueType>> = {};
  const values = read.value as Readonly<Record<string, unknown>>;
  const found = { params: values, shape: { types, maps } };
  if (read.violations.length > 0) return { ...found, violations: withReason(read.violations, "InvalidSpec") };
  const violations: MixerViolation[] = [];
  const visit = (fields: readonly TemplateField[], of: Readonly<Record<string, unknown>>, path: Path): void => {
    for (const { key, form, type, fields: inner } of fields) {
      const value = of[key];
      if (value === undefined) continue;
      const here = [...path, key];
      const id = here.slice(paramsPath.length).join(".");
      const want = type === "ANY" ? undefined : type;
      if (form === "message") visit(inner, value as Record<string, unknown>, here);
      else if (form === "map") {
        maps[id] = {};
        for (const [name, text] of Object.entries(value as Record<string, string>)) {
          const own = checkField(text, [...here, name], vocabulary, want, violations);
          if (own) maps[id][name] = own;
        }
      } else if (value !== "") {
        const own = checkField(value as string, here, vocabulary, want, violations);
        if (own) types[id] = own;
      }
    }
  };
  visit(template.fields, values, paramsPath);
  checkBindings(template, values, paramsPath, vocabulary, violations);
  return { ...found, violations };
}

/** The attributes that an instance generates: each is declared, and of the type of its expression. */
function checkBindings(
  template: Template,
  { attributeBindings = {} }: { readonly attributeBindings?: Readonly<Record<string, string>> },
  paramsPath: Path,
  vocabulary: Vocabulary,
  out: MixerViolation[],
): void {
  const extended = bindingVocabulary(template, vocabulary);
  // Of kind instance they are beside the parameters.
  const base = paramsPath.length > 1 ? paramsPath.slice(0, -1) : paramsPath;
  for (const [name, text] of Object.entries(attributeBindings)) {
    const path = [...base, "attributeBindings", name];
    const type = vocabulary.typeOf(name);
    if (type) checkField(bindingText(text), path, extended, type, out);
    else
      out.push(violation("InvalidExpression", path, `unknown attribute ${name}; an attributemanifest must declare it`));
  }
}
