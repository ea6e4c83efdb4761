import type { Vocabulary } from "@xebec/model-attributes";
import { TEMPLATES } from "@xebec/model-mixer";
import type { RuleSpec } from "@xebec/model-resources";
import { type Adapters, checkHandler } from "./handler.ts";
import { checkInstanceParams, instanceParts } from "./instance.ts";
import { checkManifest, type ManifestSpec } from "./manifest.ts";
import type { MixerObject } from "./mixer-object.ts";
import { checkRule } from "./rule.ts";
import type { MixerViolation } from "./violation.ts";

/** Kinds of `istio.mixer.v1.config.client`: what a proxy asks for. */
export const CLIENT_KINDS: ReadonlySet<string> = new Set(["QuotaSpec", "QuotaSpecBinding"]);

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
  if (kind === "instance" || TEMPLATES.has(kind)) {
    const parts = instanceParts(object);
    if (!parts.template || parts.violations.length > 0) return parts.violations;
    return checkInstanceParams(parts.template, parts, vocabulary).violations;
  }
  return checkHandler(object, adapters).violations;
}
