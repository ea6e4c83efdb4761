import { field, int64, list, map, message, required, type Static, string } from "@xebec/model-schema";
import type { Kind } from "../../kind.ts";
import type { Checker } from "../../rules/checker.ts";
import { StringMatch } from "../shared/shapes.ts";
import { checkBoundServices, IstioService } from "./bound-service.ts";

const AttributeMatch = message("AttributeMatch", {
  clause: field(map(StringMatch), "Attributes with what each must be; all must fit."),
});

const Quota = message("Quota", {
  quota: required(string({ minLength: 1 }), "The name of a quota instance, without its kind and its namespace."),
  charge: field(int64(), "How many units a request takes.", { default: 1 }),
});

const QuotaRule = message("QuotaRule", {
  match: field(list(AttributeMatch), "Requests that the rule is for: those that one of these fits.", {
    defaultText: "all requests",
  }),
  quotas: field(list(Quota), "The quotas that a request takes from. Required."),
});

/** Which requests take from which quotas (docs/reference/mixer.md §1.2). */
const QuotaSpecSchema = message("QuotaSpec", {
  rules: field(list(QuotaRule), "Each rule that fits a request takes from its quotas. Required."),
});
export type QuotaSpecSpec = Static<typeof QuotaSpecSchema>;

const QuotaSpecReference = message("QuotaSpecBinding.QuotaSpecReference", {
  name: required(string({ minLength: 1 }), "The name of a QuotaSpec."),
  namespace: field(string(), "Its namespace.", { defaultText: "the binding's own" }),
});

const QuotaSpecBindingSchema = message("QuotaSpecBinding", {
  services: field(list(IstioService), "The services whose requests take from quotas. Required."),
  quotaSpecs: field(list(QuotaSpecReference), "Which requests take from which quotas. Required."),
});
export type QuotaSpecBindingSpec = Static<typeof QuotaSpecBindingSchema>;

function checkQuotaSpec({ rules = [] }: QuotaSpecSpec, check: Checker): void {
  if (rules.length === 0) check.fail(["spec", "rules"], "must have at least one rule");
  for (const [i, { match = [], quotas = [] }] of rules.entries()) {
    const path = ["spec", "rules", i];
    for (const [j, { clause = {} }] of match.entries())
      for (const [name, text] of Object.entries(clause)) check.stringMatch(text, [...path, "match", j, "clause", name]);
    if (quotas.length === 0) check.fail([...path, "quotas"], "must name at least one quota");
    for (const [j, { charge = 1 }] of quotas.entries())
      if (charge <= 0) check.fail([...path, "quotas", j, "charge"], "must be greater than 0");
  }
}

function checkQuotaSpecBinding({ services = [], quotaSpecs = [] }: QuotaSpecBindingSpec, check: Checker): void {
  checkBoundServices(services, check);
  if (quotaSpecs.length === 0) check.fail(["spec", "quotaSpecs"], "must name at least one QuotaSpec");
  for (const [i, { namespace }] of quotaSpecs.entries())
    if (namespace) check.name(namespace, ["spec", "quotaSpecs", i, "namespace"]);
}

const common = { group: "config.istio.io", versions: ["v1alpha2"], shortNames: [], columns: [] } as const;

export const quotaSpec: Kind = {
  ...common,
  kind: "QuotaSpec",
  plural: "quotaspecs",
  description: "Which requests take from which quotas.",
  schema: QuotaSpecSchema,
  check: checkQuotaSpec,
};

export const quotaSpecBinding: Kind = {
  ...common,
  kind: "QuotaSpecBinding",
  plural: "quotaspecbindings",
  description: "The services to which QuotaSpecs apply.",
  schema: QuotaSpecBindingSchema,
  check: checkQuotaSpecBinding,
};
