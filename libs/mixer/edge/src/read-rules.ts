import { denier } from "@xebec/mixer-adapters-denier/info";
import { listchecker } from "@xebec/mixer-adapters-listchecker/info";
import {
  type Adapters,
  checkHandler,
  checkInstanceParams,
  checkManifest,
  checkRule,
  declaredFailure,
  instanceParts,
  type ManifestSpec,
  readSpec,
  resolveActions,
} from "@xebec/mixer-config";
import type { AdapterInfo } from "@xebec/mixer-sdk";
import { createVocabulary, type Vocabulary } from "@xebec/model-attributes";
import { fullName, ISTIO_ADAPTERS, resolveReference, TEMPLATES, type Template } from "@xebec/model-mixer";
import {
  boundHost,
  type HandlerSpec,
  type HttpApiSpecSpec,
  keyOf,
  type QuotaSpecBindingSpec,
  type Resource,
  type RuleSpec,
} from "@xebec/model-resources";
import { type DeclaredFailure, type EdgeRule, type EdgeStep, NO_POLICY, type PolicyObjects } from "./edge-rule.ts";
import { type Deciding, decidingOf } from "./steps.ts";

/** The adapters whose work Envoy can do. */
const ADAPTERS: Adapters = new Map([denier, listchecker].map((each) => [each.name, each as unknown as AdapterInfo]));

/** mixer-policy has a flag that switches such handlers off, as Istio's chart does. */
const LEGACY = "it is of a kind of its own, which mixer-policy takes or not (--useAdapterCRDs); use kind handler";

interface Handler {
  readonly name: string;
  readonly templates: readonly string[];
  readonly rejected: boolean;
  readonly deciding: Deciding;
  readonly failure: DeclaredFailure | undefined;
}

interface Instance {
  readonly name: string;
  readonly template: Template;
  readonly rejected: boolean;
  /** Its template is none of Istio's: what is done with it only Mixer's services know. */
  readonly isForeign: boolean;
  /** The expression of a list entry's value; absent where there is none. */
  readonly value?: string;
}

/**
 * Reads which rules decide about requests, and which of them Envoy can decide (docs/reference/mixer.md §7). What is not understood
 * here is left to mixer-policy, so that both never disagree.
 * @param resources all objects of Mixer's
 */
export function readPolicyObjects(resources: Iterable<Resource>): PolicyObjects {
  const ordered = [...resources].sort((a, b) => compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
  if (!ordered.some(({ kind }) => kind === "rule")) return NO_POLICY;
  const attributes = ordered.flatMap((each) =>
    each.kind === "attributemanifest" ? checkManifest(readSpec(each).spec as ManifestSpec).attributes : [],
  );
  const vocabulary = createVocabulary(attributes, () => undefined);
  const handlers = new Map<string, Handler>();
  const instances = new Map<string, Instance>();
  for (const each of ordered) {
    const full = fullName(each.name, each.kind, each.namespace);
    if (each.kind === "instance" || TEMPLATES.has(each.kind)) {
      instances.set(full, instanceOf(each, full, vocabulary));
    } else if (each.kind === "handler" || ISTIO_ADAPTERS.has(each.kind)) handlers.set(full, handlerOf(each, full));
  }
  const hosts = quotaHosts(ordered);
  const rules = ordered.flatMap((each) =>
    each.kind === "rule" ? (ruleOf(each as Resource<RuleSpec>, { handlers, instances, vocabulary, hosts }) ?? []) : [],
  );
  return { rules, attributes, generated: generatedBy(ordered) };
}

function handlerOf(resource: Resource, full: string): Handler {
  const name = resource.kind === "handler" ? `${resource.name}.${resource.namespace}` : full;
  const { spec, violations } = readSpec(resource);
  const failure = declaredFailure(resource);
  if (resource.kind !== "handler" && violations.length === 0)
    return { name, templates: [...TEMPLATES.keys()], rejected: false, deciding: LEGACY, failure };
  if (violations.length > 0)
    return { name, templates: [], rejected: true, deciding: "something is wrong with it", failure };
  if ((spec as HandlerSpec).connection)
    return {
      name,
      templates: [...TEMPLATES.keys()],
      rejected: false,
      deciding: "its adapter runs in a process of its own",
      failure,
    };
  const checked = checkHandler({ kind: resource.kind, spec }, ADAPTERS);
  const { adapterName, config, templates } = checked;
  const deciding =
    checked.adapter && config
      ? decidingOf(adapterName, config)
      : checked.adapter
        ? "something is wrong with it"
        : `the adapter ${adapterName} runs in mixer-policy only`;
  return {
    name,
    templates: templates.length > 0 ? templates : [...TEMPLATES.keys()],
    rejected: false,
    deciding,
    failure,
  };
}

function instanceOf(resource: Resource, name: string, vocabulary: Vocabulary): Instance {
  const { spec, violations } = readSpec(resource);
  const parts = instanceParts({ kind: resource.kind, spec });
  if (!parts.template)
    return { name, template: TEMPLATES.get("checknothing") as Template, rejected: false, isForeign: true };
  const { params, violations: wrong } = checkInstanceParams(parts.template, parts, vocabulary);
  const rejected = violations.length + parts.violations.length + wrong.length > 0;
  const value = parts.template.name === "listentry" && typeof params.value === "string" ? params.value : "";
  return { name, template: parts.template, rejected, isForeign: false, ...(value === "" ? {} : { value }) };
}

interface Beside {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly instances: ReadonlyMap<string, Instance>;
  readonly vocabulary: Vocabulary;
  readonly hosts: readonly string[];
}

/** @returns undefined for a rule that decides nothing */
function ruleOf(resource: Resource<RuleSpec>, beside: Beside): EdgeRule | undefined {
  const spec = readSpec(resource).spec as RuleSpec;
  const named = (spec.actions ?? []).flatMap(({ instances = [] }) =>
    instances.flatMap(
      (each) => resolveReference(beside.instances, each, "instance", resource.namespace)?.template.variety ?? [],
    ),
  );
  const hasHeaders = (spec.requestHeaderOperations?.length ?? 0) + (spec.responseHeaderOperations?.length ?? 0) > 0;
  const quotas = named.includes("quota") ? beside.hosts : [];
  if (!hasHeaders && !named.includes("check") && quotas.length === 0) return undefined;
  const { match, violations } = checkRule(spec, beside.vocabulary);
  const { actions, problems } = resolveActions(spec, resource.namespace, beside);
  const steps: EdgeStep[] = [];
  let call = hasHeaders ? "it has header operations" : undefined;
  if (actions.some(({ instances }) => instances.some(({ isForeign }) => isForeign)))
    call ??= "it has an instance whose template only Mixer's services know";
  if (violations.length + problems.length > 0) call ??= "not all of it is in effect";
  for (const { handler, instances } of actions)
    for (const { template, value } of instances) {
      if (template.variety !== "check") continue;
      const step = typeof handler.deciding === "string" ? handler.deciding : handler.deciding(template.name, value);
      if (typeof step === "string") call ??= `handler ${handler.name}: ${step}`;
      else if (step) steps.push({ handler: handler.name, ...step });
    }
  const failure = failureOf(actions.map(({ handler }) => handler.failure));
  return {
    ...{ key: keyOf(resource), namespace: resource.namespace, match, quotaHosts: quotas, steps },
    ...(failure === undefined ? {} : { failure }),
    ...(call === undefined ? {} : { call }),
  };
}

/** What several declare together: one `closed` closes, and only all of them open. */
export function failureOf(declared: readonly (DeclaredFailure | undefined)[]): DeclaredFailure | undefined {
  if (declared.includes("closed")) return "closed";
  return declared.length > 0 && declared.every((each) => each === "open") ? "open" : undefined;
}

/** The hosts to whose requests quotas are bound. */
function quotaHosts(resources: readonly Resource[]): readonly string[] {
  const hosts = resources.flatMap((each) => {
    if (each.kind !== "QuotaSpecBinding") return [];
    const { services = [] } = each.spec as QuotaSpecBindingSpec;
    return services.map((service) => boundHost(service, each.namespace));
  });
  return [...new Set(hosts)].sort();
}

/** The attributes that HTTPAPISpecs give to requests; mixer-policy finds them. */
function apiAttributes(resources: readonly Resource[]): readonly string[] {
  if (!resources.some(({ kind }) => kind === "HTTPAPISpecBinding")) return [];
  const specs = resources.filter(({ kind }) => kind === "HTTPAPISpec").map(({ spec }) => spec as HttpApiSpecSpec);
  if (specs.length === 0) return [];
  const given = specs.flatMap(({ attributes, patterns = [] }) => [
    attributes,
    ...patterns.map((each) => each.attributes),
  ]);
  return ["request.api_key", ...given.flatMap((each) => Object.keys(each?.attributes ?? {}))];
}

/** What kubernetesenv says of the two sides of a call is what Xebec knows of them; what else adapters say is known to mixer-policy only. */
function generatedBy(resources: readonly Resource[]): string[] {
  const bound = resources.flatMap((each) => {
    const { attributeBindings, compiledTemplate } = (each.spec ?? {}) as {
      readonly attributeBindings?: Readonly<Record<string, string>>;
      readonly compiledTemplate?: string;
    };
    if (!attributeBindings || typeof attributeBindings !== "object") return [];
    const isKubernetes = each.kind === "kubernetes" || compiledTemplate === "kubernetes";
    return Object.keys(attributeBindings).filter((name) => !isKubernetes || !/^(?:source|destination)\./.test(name));
  });
  return [...new Set([...bound, ...apiAttributes(resources)])].sort();
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
