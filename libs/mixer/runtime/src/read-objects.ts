import {
  type Adapter,
  type AdapterLog,
  ISTIO_ADAPTERS,
  readParams,
  TEMPLATES,
  type Variety,
  type Violation,
  withDefaults,
} from "@xebec/mixer-sdk";
import { createVocabulary, type ValueType, type Vocabulary, valueTypeOf } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import type { TSchema } from "typebox";
import type { Conditions } from "./condition.ts";
import type { CheckedHandler, HandlerTable } from "./handlers.ts";
import { type CheckedInstance, checkInstance } from "./instance-plan.ts";
import { fullName } from "./references.ts";
import type { KnownHandler, KnownInstance } from "./rule-check.ts";
import { HandlerSpec, InstanceSpec, ManifestSpec } from "./spec-schemas.ts";

export const MIXER_GROUP = "config.istio.io";

export interface CompileOptions {
  readonly adapters: ReadonlyMap<string, Adapter>;
  readonly varieties: ReadonlySet<Variety>;
  /** Rules of this namespace hold for all. */
  readonly defaultNamespace: string;
  /** Adapters whose work the server does itself, with the sentence that says so. */
  readonly builtIn: ReadonlyMap<string, string>;
  /** Whether handlers may be of a kind that is an adapter's name. */
  readonly legacyHandlers: boolean;
  /** Attributes that get a slot although no expression reads them. */
  readonly inputs: readonly string[];
  readonly table: HandlerTable;
  readonly log: AdapterLog;
}

export interface Handled extends KnownHandler {
  readonly resource: Resource;
  readonly checked: CheckedHandler | undefined;
}

export interface Instanced extends KnownInstance {
  readonly resource: Resource;
  readonly checked: CheckedInstance | undefined;
}

export function readSpec<T>(
  resource: Resource,
  schema: TSchema,
  raw: unknown,
  conditions: Conditions,
  at = "spec",
): T | undefined {
  const { value, violations } = readParams(schema, raw);
  if (violations.length === 0) return value as T;
  conditions.reject(resource, "InvalidSpec", violations.map((each) => violationText(each, at)).join("; "));
  return undefined;
}

function violationText({ path, message }: Violation, at: string): string {
  return `${path ? `${at}${path.startsWith("[") ? "" : "."}${path}` : at}: ${message}`;
}

export function readManifests(resources: readonly Resource[], conditions: Conditions): Vocabulary {
  const declared: [string, ValueType, Resource][] = [];
  for (const resource of resources) {
    if (resource.kind !== "attributemanifest") continue;
    const spec = readSpec<{ attributes?: Record<string, { valueType?: string | number }> }>(
      resource,
      ManifestSpec,
      resource.spec,
      conditions,
    );
    if (!spec) continue;
    conditions.accept(resource, "attached", "Compiled", "its attributes are in the vocabulary");
    for (const [name, { valueType }] of Object.entries(spec.attributes ?? {})) {
      const type = valueTypeOf(valueType);
      if (type) declared.push([name, type, resource]);
      else
        conditions.reject(
          resource,
          "InvalidSpec",
          `spec.attributes[${name}].valueType: ${JSON.stringify(valueType)} is no value type`,
        );
    }
  }
  return createVocabulary(
    declared.map(([name, type]) => [name, type] as const),
    ({ attribute, type, existing }) => {
      const culprit = declared.find(([name, each]) => name === attribute && each === type)?.[2];
      if (culprit)
        conditions.reject(
          culprit,
          "Conflict",
          `spec.attributes[${attribute}]: it is ${existing} already and cannot be ${type}`,
        );
    },
  );
}

/** Reads a handler; undefined when it is of no concern to this service or cannot be understood at all. */
export function readHandler(resource: Resource, options: CompileOptions, conditions: Conditions): Handled | undefined {
  const legacy = resource.kind !== "handler";
  let adapterName = resource.kind;
  let params: unknown = resource.spec;
  if (!legacy) {
    const spec = readSpec<{ compiledAdapter?: string; adapter?: string; params?: unknown }>(
      resource,
      HandlerSpec,
      resource.spec,
      conditions,
    );
    if (!spec) return rejectedHandler(resource);
    if (!spec.compiledAdapter) {
      const why = spec.adapter
        ? "spec.adapter: adapters of their own process are not available in this service; use spec.compiledAdapter"
        : "spec.compiledAdapter: the adapter's name is missing";
      conditions.reject(resource, spec.adapter ? "Unsupported" : "InvalidSpec", why);
      return rejectedHandler(resource);
    }
    adapterName = spec.compiledAdapter;
    params = spec.params;
  }
  const at = legacy ? "spec" : "spec.params";
  const name = legacy
    ? fullName(resource.name, resource.kind, resource.namespace)
    : `${resource.name}.${resource.namespace}`;
  const adapter = options.adapters.get(adapterName);
  const templates = adapter?.templates ?? ISTIO_ADAPTERS.get(adapterName);
  const builtIn = options.builtIn.get(adapterName);
  const common = { name, resource, templates: templates ?? [] };
  if (builtIn !== undefined) {
    conditions.accept(resource, "attached", "BuiltIn", builtIn);
    return { ...common, ours: false, rejected: false, checked: undefined };
  }
  if (!templates) {
    conditions.reject(
      resource,
      "UnknownAdapter",
      `${legacy ? "kind" : "spec.compiledAdapter"}: there is no adapter "${adapterName}"`,
    );
    return rejectedHandler(resource);
  }
  const served = templates.some((each) => options.varieties.has(TEMPLATES.get(each)?.variety ?? "attributes"));
  if (!served) return { ...common, ours: false, rejected: false, checked: undefined };
  if (!adapter) {
    const has = [...options.adapters.keys()].sort().join(", ");
    conditions.reject(
      resource,
      "UnknownAdapter",
      `the adapter "${adapterName}" is not built into this service, which has: ${has}`,
    );
    return rejectedHandler(resource);
  }
  const own = readSpec<object>(resource, adapter.config, params, conditions, at);
  if (!own) return rejectedHandler(resource);
  conditions.accept(resource, "compiled", "Unused", "valid, but no rule that is in effect uses it");
  const config = withDefaults(adapter.config, adapter.defaults, own);
  return { ...common, ours: true, rejected: false, checked: { name, adapter, config } };
}

const rejectedHandler = (resource: Resource): Handled => ({
  name: resource.name,
  resource,
  templates: [],
  ours: true,
  rejected: true,
  checked: undefined,
});

export function readInstance(
  resource: Resource,
  vocabulary: Vocabulary,
  options: CompileOptions,
  conditions: Conditions,
): Instanced | undefined {
  const legacy = resource.kind !== "instance";
  let templateName = resource.kind;
  let params: unknown = resource.spec;
  const nothing = TEMPLATES.get("checknothing");
  if (!nothing) return undefined;
  if (!legacy) {
    const spec = readSpec<{
      compiledTemplate?: string;
      template?: string;
      params?: unknown;
      attributeBindings?: object;
    }>(resource, InstanceSpec, resource.spec, conditions);
    if (!spec) return { name: resource.name, resource, template: nothing, rejected: true, checked: undefined };
    templateName = spec.compiledTemplate ?? "";
    params = spec.attributeBindings
      ? { ...(spec.params as object), attributeBindings: spec.attributeBindings }
      : spec.params;
    if (!TEMPLATES.has(templateName)) {
      const why = spec.template
        ? "spec.template: templates of adapters in their own process are not available; use spec.compiledTemplate"
        : `spec.compiledTemplate: there is no template "${templateName}"`;
      conditions.reject(resource, spec.template ? "Unsupported" : "UnknownTemplate", why);
      return { name: resource.name, resource, template: nothing, rejected: true, checked: undefined };
    }
  }
  const template = TEMPLATES.get(templateName) ?? nothing;
  const name = fullName(resource.name, resource.kind, resource.namespace);
  const common = { name, resource, template };
  // Another service looks after instances of this kind; one condition each from that one is enough.
  if (!options.varieties.has(template.variety)) return { ...common, rejected: false, checked: undefined };
  const at = legacy ? "spec" : "spec.params";
  const values = readSpec<Record<string, unknown>>(resource, template.params, params, conditions, at);
  if (!values) return { ...common, rejected: true, checked: undefined };
  try {
    const checked = checkInstance({ name, shortName: resource.name }, template, values, vocabulary);
    conditions.accept(resource, "compiled", "Unused", "valid, but no rule that is in effect uses it");
    return { ...common, rejected: false, checked };
  } catch (error) {
    conditions.reject(resource, "InvalidExpression", `${at}.${(error as Error).message}`);
    return { ...common, rejected: true, checked: undefined };
  }
}
