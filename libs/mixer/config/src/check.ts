import type { Vocabulary } from "@xebec/model-attributes";
import { TEMPLATES } from "@xebec/model-mixer";
import type { AdapterSpec, HandlerSpec, InstanceSpec, RuleSpec, TemplateObjectSpec } from "@xebec/model-resources";
import { type Adapters, checkHandler } from "./handler.ts";
import { checkInstanceParams, instanceParts } from "./instance.ts";
import { checkManifest, type ManifestSpec } from "./manifest.ts";
import type { MixerObject } from "./mixer-object.ts";
import { checkAdapterObject, checkConnection, checkTemplateObject } from "./remote.ts";
import { checkRule } from "./rule.ts";
import type { MixerViolation } from "./violation.ts";

/** Kinds of `istio.mixer.v1.config.client`: what a proxy asks for. */
export const CLIENT_KINDS: ReadonlySet<string> = new Set([
  ...["QuotaSpec", "QuotaSpecBinding"],
  ...["HTTPAPISpec", "HTTPAPISpecBinding"],
]);

/**
 * Checks an object of the group `config.istio.io` by itself, whatever else there is: whatever Mixer's services would refuse of it.
 * @param object its spec was read by the schema of its kind
 * @param adapters those that the mesh has
 * @param vocabulary the attributes that there are
 */
export function checkMixerObject(
  object: MixerObject,
  adapters: Adapters,
  vocabulary: Vocabulary,
): readonly MixerViolation[] {
  const { kind, spec } = object;
  if (kind === "rule") return checkRule(spec as RuleSpec, vocabulary).violations;
  // What these refer to is found by the services; the rest is the schema's.
  if (CLIENT_KINDS.has(kind)) return [];
  if (kind === "attributemanifest") return checkManifest(spec as ManifestSpec).violations;
  if (kind === "template") return checkTemplateObject("", spec as TemplateObjectSpec).violations;
  if (kind === "adapter") return checkAdapterObject("", "", spec as AdapterSpec).violations;
  // Their adapters and templates are objects, which may come later.
  if (isRemote(object))
    return kind === "handler" ? checkConnection((spec as HandlerSpec).connection ?? {}, ["spec", "connection"]) : [];
  if (kind === "instance" || TEMPLATES.has(kind)) {
    const parts = instanceParts(object);
    if (!parts.template || parts.violations.length > 0) return parts.violations;
    return checkInstanceParams(parts.template, parts, vocabulary).violations;
  }
  return checkHandler(object, adapters).violations;
}

/** Whether a handler or instance belongs to an adapter in a process of its own. What is part of the service counts first, as in Mixer. */
export function isRemote({ kind, spec }: MixerObject): boolean {
  if (kind === "handler") return Boolean((spec as HandlerSpec).adapter) && !(spec as HandlerSpec).compiledAdapter;
  if (kind !== "instance") return false;
  const { template, compiledTemplate } = spec as InstanceSpec;
  return Boolean(template) && !compiledTemplate;
}
