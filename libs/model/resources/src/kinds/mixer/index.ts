import { ISTIO_ADAPTERS, ISTIO_TEMPLATES } from "@xebec/model-mixer";
import { struct } from "@xebec/model-schema";
import type { TSchema } from "typebox";
import type { Kind, PrinterColumn } from "../../kind.ts";
import { AdapterSpec, TemplateObjectSpec } from "./adapter.ts";
import { httpApiSpec, httpApiSpecBinding } from "./api-spec.ts";
import { AttributeManifestSpec } from "./attribute-manifest.ts";
import { HandlerSpec } from "./handler.ts";
import { InstanceSpec } from "./instance.ts";
import { quotaSpec, quotaSpecBinding } from "./quota-spec.ts";
import { RuleSpec } from "./rule.ts";

// Mixer's kinds (docs/reference/mixer.md §7.1). Their rules that need expressions, templates and adapters run in galley and Mixer.

const define = (kind: string, plural: string, description: string, schema: TSchema): Kind => ({
  ...{ group: "config.istio.io", kind, plural, versions: ["v1alpha2"], shortNames: [] },
  ...{ description, schema, columns: [] },
});

/** Kinds whose name is a template: their whole spec is its parameters. */
export const TEMPLATE_KINDS: readonly string[] = [...ISTIO_TEMPLATES.keys()].sort();

/** Kinds whose name is an adapter: their whole spec is its parameters. */
export const ADAPTER_KINDS: readonly string[] = [...ISTIO_ADAPTERS.keys()];

/** Plurals of Istio's that do not follow the rule. */
const PLURALS: Readonly<Record<string, string>> = { signalfx: "signalfxs", cloudwatch: "cloudwatches" };

function pluralOf(kind: string): string {
  if (PLURALS[kind] !== undefined) return PLURALS[kind];
  if (kind.endsWith("s")) return `${kind}es`;
  return kind.endsWith("y") && !/[aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

/** The template whose instances Istio shows with columns of their own. */
const LOG_ENTRY: readonly PrinterColumn[] = [
  { name: "Severity", jsonPath: ".spec.severity", type: "string", description: "The severity of the entries" },
  { name: "Timestamp", jsonPath: ".spec.timestamp", type: "string", description: "The time of the entries" },
  {
    name: "Res Type",
    jsonPath: ".spec.monitored_resource_type",
    type: "string",
    description: "What the entries are about",
  },
];

export const mixerKinds: readonly Kind[] = [
  define("rule", "rules", "A condition, and what is done when it holds: instances are sent to handlers.", RuleSpec),
  define("handler", "handlers", "An adapter with its parameters.", HandlerSpec),
  define("instance", "instances", "Values taken from a request, in the shape of a template.", InstanceSpec),
  define("attributemanifest", "attributemanifests", "Attributes that expressions may use.", AttributeManifestSpec),
  define("adapter", "adapters", "An adapter in a process of its own, which Mixer calls.", AdapterSpec),
  define(
    "template",
    "templates",
    "The form of the instances of adapters in processes of their own.",
    TemplateObjectSpec,
  ),
  quotaSpec,
  quotaSpecBinding,
  httpApiSpec,
  httpApiSpecBinding,
  ...TEMPLATE_KINDS.map((kind) => ({
    ...define(kind, pluralOf(kind), `An instance of the template ${kind}, in Mixer's first form.`, struct()),
    columns: kind === "logentry" ? LOG_ENTRY : [],
  })),
  ...ADAPTER_KINDS.map((kind) =>
    define(kind, pluralOf(kind), `A handler of the adapter ${kind}, in Mixer's first form.`, struct()),
  ),
];
