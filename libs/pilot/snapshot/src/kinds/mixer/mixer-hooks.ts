import { NO_POLICY, type PolicyObjects, readPolicyObjects } from "@xebec/mixer-edge";
import { fullName, resolveReference, TEMPLATES, templateOfInstance, type Variety } from "@xebec/model-mixer";
import {
  apiKeysOf,
  type HttpApiSpecSpec,
  type InstanceSpec,
  type Resource,
  type RuleSpec,
} from "@xebec/model-resources";

/** What pilot must know of Mixer's configuration: where a proxy has to ask, and whether it has to report. */
export interface MixerHooks {
  /** The rules that may decide about requests. */
  readonly policy: PolicyObjects;
  readonly reports: boolean;
  /** Headers that some expression reads: proxies put them into their reports. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
}

export const NO_MIXER: MixerHooks = { policy: NO_POLICY, reports: false, requestHeaders: [], responseHeaders: [] };

/** Objects of the group `config.istio.io`. */
export interface MixerObjects {
  values(): Iterable<Resource>;
}

/**
 * Reads Mixer's rules, only as far as to know which sort of work each asks for: by the varieties of its instances' templates.
 */
export function mixerHooksOf(resources: MixerObjects): MixerHooks {
  const instances = instancesIn(resources.values());
  const reports = [...resources.values()].some(
    (each) => each.kind === "rule" && varietiesOf(each as Resource<RuleSpec>, instances).has("report"),
  );
  const text = reports ? JSON.stringify([...resources.values()].map((each) => each.spec)) : "";
  const policy = readPolicyObjects(resources.values());
  const requestHeaders = reports
    ? [...new Set([...headersIn(text, "request"), ...keyHeadersIn(resources)])].sort()
    : [];
  return { policy, reports, requestHeaders, responseHeaders: headersIn(text, "response") };
}

/** The instances, by full name. */
function instancesIn(resources: Iterable<Resource>): Map<string, Resource> {
  const instances = new Map<string, Resource>();
  for (const each of resources)
    if (each.kind === "instance" || TEMPLATES.has(each.kind))
      instances.set(fullName(each.name, each.kind, each.namespace), each);
  return instances;
}

/** What a rule asks for; references that lead nowhere ask for nothing. */
function varietiesOf(rule: Resource<RuleSpec>, instances: ReadonlyMap<string, Resource>): Set<Variety> {
  const varieties = new Set<Variety>();
  for (const reference of (rule.spec.actions ?? []).flatMap((action) => action.instances ?? [])) {
    const instance = resolveReference(instances, reference, "instance", rule.namespace);
    const template = instance && templateOfInstance(instance.kind, instance.spec as InstanceSpec);
    if (template) varieties.add(template.variety);
    // Of an adapter from outside, or in a process of its own: only Mixer's services know it.
    else if (instance) for (const each of ["check", "quota", "report"] as const) varieties.add(each);
  }
  return varieties;
}

/** The headers in which API keys come. */
function keyHeadersIn(resources: MixerObjects): string[] {
  const all = [...resources.values()];
  if (!all.some(({ kind }) => kind === "HTTPAPISpecBinding")) return [];
  const keys = all.flatMap(({ kind, spec }) => (kind === "HTTPAPISpec" ? apiKeysOf(spec as HttpApiSpecSpec) : []));
  return keys.flatMap(({ header, cookie }) => header?.toLowerCase() ?? (cookie === undefined ? [] : "cookie"));
}

/** The names in `request.headers["name"]` of a JSON text. */
function headersIn(text: string, side: "request" | "response"): string[] {
  const found = text.matchAll(
    new RegExp(`${side}\\.headers\\s*\\[\\s*\\\\?["\x60]([^"\x60\\\\]{1,100})\\\\?["\x60]`, "g"),
  );
  return [...new Set([...found].map((each) => (each[1] as string).toLowerCase()))].sort();
}
