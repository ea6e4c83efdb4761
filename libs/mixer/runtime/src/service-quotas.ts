import type { AttributeBag, Layout } from "@xebec/model-attributes";
import { regexTest } from "@xebec/model-expr";
import { boundHost, type QuotaSpecBindingSpec, type QuotaSpecSpec, type Resource } from "@xebec/model-resources";
import type { Conditions } from "./condition.ts";
import { readObject } from "./read-objects.ts";

/** A quota that a request takes from. */
export interface AskedQuota {
  /** The short name of its instance. */
  readonly name: string;
  /** In units. */
  readonly charge: number;
}

type Test = (bag: AttributeBag) => boolean;

interface Rule {
  readonly fits: Test;
  readonly quotas: readonly AskedQuota[];
}

const ALL = "*";
const NONE: readonly AskedQuota[] = [];

/**
 * The quotas that requests of a service take from, as QuotaSpecs and their bindings say (docs/reference/mixer.md §1.2). The proxy of
 * Istio 1.1 found them; Envoy asks whether a request may pass, and mixer-policy finds them then.
 */
export class ServiceQuotas {
  readonly #host: number;
  readonly #rules = new Map<string, Rule[]>();
  readonly #names = new Set<string>();

  /**
   * @param resources all objects; of each QuotaSpec and QuotaSpecBinding what becomes of it is reported
   * @param layout gets a slot for each attribute that a clause reads
   */
  constructor(resources: readonly Resource[], layout: Layout, conditions: Conditions) {
    this.#host = layout.slot("destination.service.host");
    const specs = new Map<
      string,
      { readonly resource: Resource; readonly rules: readonly Rule[]; problems: string[] }
    >();
    for (const resource of resources) {
      const object = resource.kind === "QuotaSpec" ? readObject(resource, conditions) : undefined;
      if (!object) continue;
      const problems: string[] = [];
      const rules = rulesOf(object.spec as QuotaSpecSpec, layout, problems);
      specs.set(`${resource.namespace}/${resource.name}`, { resource, rules, problems });
      conditions.accept(resource, "compiled", "Unused", "valid, but no QuotaSpecBinding refers to it");
    }
    for (const resource of resources) {
      const object = resource.kind === "QuotaSpecBinding" ? readObject(resource, conditions) : undefined;
      if (!object) continue;
      const { services = [], quotaSpecs = [] } = object.spec as QuotaSpecBindingSpec;
      const missing: string[] = [];
      for (const { name, namespace } of quotaSpecs) {
        const spec = specs.get(`${namespace || resource.namespace}/${name}`);
        if (!spec) {
          missing.push(`there is no QuotaSpec ${namespace || resource.namespace}/${name}`);
          continue;
        }
        for (const service of services) this.#bind(boundHost(service, resource.namespace), spec.rules);
        say(spec.resource, spec.problems, conditions);
      }
      if (missing.length < quotaSpecs.length) say(resource, missing, conditions);
      else conditions.reject(resource, "NoAction", missing.join("; "));
    }
  }

  #bind(host: string, rules: readonly Rule[]): void {
    this.#rules.set(host, [...(this.#rules.get(host) ?? []), ...rules]);
    for (const { quotas } of rules) for (const { name } of quotas) this.#names.add(name.toLowerCase());
  }

  /** True when requests of some service may take from the quota. @param name the short name of an instance */
  has(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** The quotas that a request takes from; several of one name are one, with all charges. */
  of(bag: AttributeBag): readonly AskedQuota[] {
    if (this.#rules.size === 0) return NONE;
    const host = bag.get(this.#host);
    const rules = [...(this.#rules.get(String(host)) ?? []), ...(this.#rules.get(ALL) ?? [])];
    const charges = new Map<string, number>();
    for (const { fits, quotas } of rules)
      if (fits(bag)) for (const { name, charge } of quotas) charges.set(name, (charges.get(name) ?? 0) + charge);
    return [...charges].map(([name, charge]) => ({ name, charge }));
  }
}

function say(resource: Resource, problems: readonly string[], conditions: Conditions): void {
  if (problems.length === 0) conditions.accept(resource, "attached", "Compiled", "in effect");
  else
    conditions.accept(resource, "attached", "PartlyRejected", `in effect, but not all of it: ${problems.join("; ")}`);
}

function rulesOf({ rules = [] }: QuotaSpecSpec, layout: Layout, problems: string[]): Rule[] {
  return rules.map(({ match = [], quotas = [] }, i) => {
    const matches = match.map(({ clause = {} }, j) =>
      Object.entries(clause).map(([name, text]) =>
        testOf(name, text, layout, (problem) => problems.push(`rules[${i}].match[${j}].clause.${name}: ${problem}`)),
      ),
    );
    return {
      fits: (bag) => matches.length === 0 || matches.some((tests) => tests.every((test) => test(bag))),
      quotas: quotas.map(({ quota, charge = 1 }) => ({ name: quota, charge: Number(charge) })),
    };
  });
}

function testOf(
  name: string,
  { exact, prefix, regex }: { readonly exact?: string; readonly prefix?: string; readonly regex?: string },
  layout: Layout,
  problem: (text: string) => void,
): Test {
  const type = layout.vocabulary.typeOf(name);
  if (type !== "STRING") {
    problem(type ? `only attributes of type STRING can be compared, not ${type}` : `unknown attribute ${name}`);
    return () => false;
  }
  const slot = layout.slot(name);
  const whole = regex === undefined ? undefined : regexTest(`^(?:${regex})$`);
  return (bag) => {
    const value = bag.get(slot);
    if (typeof value !== "string") return false;
    if (exact !== undefined) return value === exact;
    return prefix === undefined ? (whole?.(value) ?? true) : value.startsWith(prefix);
  };
}
