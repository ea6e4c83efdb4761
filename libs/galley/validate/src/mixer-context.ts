import { ADAPTERS } from "@xebec/mixer-catalogue";
import {
  checkManifest,
  type KnownHandler,
  type KnownInstance,
  type ManifestSpec,
  MIXER_GROUP,
  type RuleScope,
} from "@xebec/mixer-config";
import { createVocabulary, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { fullName, ISTIO_ADAPTERS, TEMPLATES, templateOfInstance } from "@xebec/model-mixer";
import type { HandlerSpec, InstanceSpec, Resource } from "@xebec/model-resources";

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
  for (const { group, kind, namespace, name, spec } of resources) {
    if (group !== MIXER_GROUP || kind === "rule") continue;
    const full = fullName(name, kind, namespace);
    if (kind === "attributemanifest") declared.push(...checkManifest(spec as ManifestSpec).attributes);
    else if (kind === "instance" || TEMPLATES.has(kind)) {
      const template = templateOfInstance(kind, spec as InstanceSpec);
      if (template) instances.set(full, { name: full, template, rejected: false });
    } else {
      const adapter = kind === "handler" ? ((spec as HandlerSpec).compiledAdapter ?? "") : kind;
      const templates = ADAPTERS.get(adapter)?.templates ?? ISTIO_ADAPTERS.get(adapter) ?? [];
      handlers.set(full, { name: kind === "handler" ? `${name}.${namespace}` : full, templates, rejected: false });
    }
  }
  return { vocabulary: createVocabulary(declared), scope: { handlers, instances } };
}
