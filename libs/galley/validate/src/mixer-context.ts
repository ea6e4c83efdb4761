import { ADAPTERS } from "@xebec/mixer-catalogue";
import {
  checkAdapterObject,
  checkManifest,
  checkTemplateObject,
  isRemote,
  type KnownHandler,
  type KnownInstance,
  type ManifestSpec,
  MIXER_GROUP,
  type RemoteAdapterInfo,
  type RuleScope,
} from "@xebec/mixer-config";
import type { WireTemplate } from "@xebec/mixer-wire";
import { createVocabulary, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { fullName, ISTIO_ADAPTERS, resolveReference, TEMPLATES, templateOfInstance } from "@xebec/model-mixer";
import type { AdapterSpec, HandlerSpec, InstanceSpec, Resource, TemplateObjectSpec } from "@xebec/model-resources";

/** What there is beside an object of Mixer's. */
export interface MixerContext {
  /** Attributes that expressions may use. */
  readonly vocabulary: Vocabulary;
  /** Handlers and instances that rules may refer to; absent where they are not known. */
  readonly scope?: RuleScope<KnownHandler, KnownInstance>;
}

/** The context of an object of which nothing is known but itself. */
export const STANDARD_CONTEXT: MixerContext = { vocabulary: createVocabulary() };

/** The context that valid objects make, those of other groups are passed over. */
export function mixerContextOf(resources: Iterable<Resource>): MixerContext {
  const declared: (readonly [string, ValueType])[] = [];
  const handlers = new Map<string, KnownHandler>();
  const instances = new Map<string, KnownInstance>();
  const all = [...resources].filter((each) => each.group === MIXER_GROUP);
  const remote = remotesOf(all);
  for (const { group, kind, namespace, name, spec } of all) {
    if (group !== MIXER_GROUP || kind === "rule") continue;
    const full = fullName(name, kind, namespace);
    if (kind === "attributemanifest") declared.push(...checkManifest(spec as ManifestSpec).attributes);
    else if (kind === "instance" || TEMPLATES.has(kind)) {
      const template = isRemote({ kind, spec })
        ? resolveReference(remote.templates, (spec as InstanceSpec).template ?? "", "template", namespace)?.template
        : templateOfInstance(kind, spec as InstanceSpec);
      if (template) instances.set(full, { name: full, template, rejected: false });
    } else if (isRemote({ kind, spec })) {
      const found = resolveReference(remote.adapters, (spec as HandlerSpec).adapter ?? "", "adapter", namespace);
      const templates = found?.templates.map((each) => each.template.name) ?? [];
      handlers.set(full, { name: full, templates, rejected: found === undefined });
    } else if (kind !== "adapter" && kind !== "template") {
      const adapter = kind === "handler" ? ((spec as HandlerSpec).compiledAdapter ?? "") : kind;
      const templates = ADAPTERS.get(adapter)?.templates ?? ISTIO_ADAPTERS.get(adapter) ?? [];
      handlers.set(full, { name: kind === "handler" ? `${name}.${namespace}` : full, templates, rejected: false });
    }
  }
  return { vocabulary: createVocabulary(declared), scope: { handlers, instances } };
}

/** Adapters in processes of their own, and their templates; those that are wrong are not there. */
function remotesOf(resources: readonly Resource[]) {
  const templates = new Map<string, WireTemplate>();
  const adapters = new Map<string, RemoteAdapterInfo>();
  for (const { kind, namespace, name, spec } of resources) {
    if (kind !== "template") continue;
    const full = fullName(name, kind, namespace);
    const { wire } = checkTemplateObject(full, spec as TemplateObjectSpec);
    if (wire) templates.set(full, wire);
  }
  for (const { kind, namespace, name, spec } of resources) {
    if (kind !== "adapter") continue;
    const full = fullName(name, kind, namespace);
    const { info } = checkAdapterObject(full, namespace, spec as AdapterSpec, templates);
    if (info) adapters.set(full, info);
  }
  return { templates, adapters };
}
