import { XebecError } from "@xebec/core-errors";
import type { Functions } from "@xebec/core-go-template";
import { TemplateError } from "@xebec/core-go-template";
import { readYaml } from "@xebec/core-yaml";
import { isFields } from "./fields.ts";
import { templateFunctions } from "./functions.ts";
import { GATEWAY_TEMPLATE } from "./gateway-template.ts";
import { GRPC_AGENT_TEMPLATE, GRPC_SIMPLE_TEMPLATE } from "./grpc-templates.ts";
import { wholePod } from "./older-template.ts";
import { PodTemplate } from "./pod-template.ts";
import { isSelector, type Selector } from "./selector.ts";
import { SIDECAR_TEMPLATE } from "./sidecar-template.ts";

/** A template that is ready to be rendered. */
export interface NamedTemplate {
  readonly render: (data: unknown) => unknown;
}

/** What Istio's config map `istio-sidecar-injector` holds under `config` (docs/reference/platform.md §4.2). */
export interface InjectConfig {
  readonly policy: "enabled" | "disabled";
  readonly templates: ReadonlyMap<string, NamedTemplate>;
  /** The templates of a pod that names none. */
  readonly defaultTemplates: readonly string[];
  /** Names that stand for several templates. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly neverInjectSelector: readonly Selector[];
  readonly alwaysInjectSelector: readonly Selector[];
  /** Annotations that each pod with a sidecar gets. */
  readonly injectedAnnotations: Readonly<Record<string, string>>;
}

const BUILT_IN: Readonly<Record<string, string>> = {
  sidecar: SIDECAR_TEMPLATE,
  gateway: GATEWAY_TEMPLATE,
  "grpc-agent": GRPC_AGENT_TEMPLATE,
  "grpc-simple": GRPC_SIMPLE_TEMPLATE,
};
const FIELDS = [
  "policy",
  "template",
  "templates",
  "defaultTemplates",
  "aliases",
  "neverInjectSelector",
  "alwaysInjectSelector",
  "injectedAnnotations",
];
/** Most templates of one configuration. */
const MAX_TEMPLATES = 100;

/**
 * Reads the injector's configuration. Templates that it does not have are the built-in ones: `sidecar`, `gateway`, `grpc-agent`, `grpc-simple`.
 * @param text YAML or JSON, as the key `config` of Istio's config map has it
 * @param environment what templates may read by `env`
 * @throws XebecError invalid_argument with what is wrong
 */
export function parseInjectConfig(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): InjectConfig {
  const value = read(text);
  const unknown = Object.keys(value).find((key) => !FIELDS.includes(key));
  if (unknown) fail(`unknown field ${unknown}; known are ${FIELDS.join(", ")}`);
  const { policy = "enabled" } = value;
  if (policy !== "enabled" && policy !== "disabled")
    return fail(`policy: must be enabled or disabled, not ${JSON.stringify(policy)}`);
  const templates = templatesOf(value, templateFunctions(environment));
  const aliases = aliasesOf(value.aliases ?? {});
  const defaultTemplates = names("defaultTemplates", value.defaultTemplates ?? ["sidecar"]);
  for (const name of [...defaultTemplates, ...Object.values(aliases).flat()])
    if (!templates.has(name) && !Object.hasOwn(aliases, name))
      fail(`there is no template ${name}; there are ${[...templates.keys()].join(", ")}`);
  return {
    ...{ policy, templates, aliases, defaultTemplates },
    neverInjectSelector: selectors("neverInjectSelector", value.neverInjectSelector ?? []),
    alwaysInjectSelector: selectors("alwaysInjectSelector", value.alwaysInjectSelector ?? []),
    injectedAnnotations: annotations(value.injectedAnnotations ?? {}),
  };
}

/** The templates that names mean: an alias means several. @throws XebecError invalid_argument for a name that is none */
export function resolveTemplates(config: InjectConfig, wanted: readonly string[]): NamedTemplate[] {
  return wanted
    .flatMap((name) => (Object.hasOwn(config.aliases, name) ? (config.aliases[name] as readonly string[]) : [name]))
    .map((name) => {
      const template = config.templates.get(name);
      if (template) return template;
      throw new XebecError(
        "invalid_argument",
        `there is no injection template "${name}"; there are ${[...config.templates.keys()].join(", ")}`,
      );
    });
}

function fail(message: string): never {
  throw new XebecError("invalid_argument", `injector configuration: ${message}`);
}

function read(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = readYaml(text) ?? {};
  } catch (error) {
    return fail((error as Error).message);
  }
  return isFields(value) ? value : fail("must be a map");
}

function templatesOf(value: Readonly<Record<string, unknown>>, functions: Functions): Map<string, NamedTemplate> {
  const given = value.templates ?? {};
  if (!isFields(given)) return fail("templates: must be a map of names to templates");
  const texts = { ...BUILT_IN, ...given };
  if (Object.keys(texts).length > MAX_TEMPLATES) fail(`templates: more than ${MAX_TEMPLATES}`);
  const templates = new Map<string, NamedTemplate>();
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text !== "string") fail(`templates.${name}: must be a string`);
    templates.set(name, compiled(`templates.${name}`, text as string, functions));
  }
  // Today's charts keep the field of Istio 1.1 as a notice to older injectors; it counts where nothing else does.
  const { template } = value;
  if (template === undefined || value.templates !== undefined) return templates;
  if (typeof template !== "string") return fail("template: must be a string");
  return templates.set("sidecar", compiled("template", template, functions));
}

function compiled(name: string, text: string, functions: Functions): NamedTemplate {
  // Helm went over Istio 1.1's template before the injector did: it had other delimiters.
  const delimiters = text.includes("[[") && !text.includes("{{") ? { left: "[[", right: "]]" } : undefined;
  try {
    const template = new PodTemplate(text, functions, delimiters);
    const render = (data: unknown): unknown => {
      try {
        return wholePod(template.render(data));
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        throw new XebecError("invalid_argument", `injection template ${name}: ${error.message}`, { cause: error });
      }
    };
    return { render };
  } catch (error) {
    return fail(`${name}: ${(error as Error).message}`);
  }
}

function names(field: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value as string[];
  return fail(`${field}: must be a list of names`);
}

function aliasesOf(value: unknown): Readonly<Record<string, readonly string[]>> {
  if (!isFields(value)) return fail("aliases: must be a map of names to lists of templates");
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, names(`aliases.${name}`, each)]));
}

function selectors(field: string, value: unknown): readonly Selector[] {
  if (!Array.isArray(value)) return fail(`${field}: must be a list`);
  const wrong = value.findIndex((each) => !isSelector(each));
  if (wrong >= 0) fail(`${field}[${wrong}]: must be a label selector with matchLabels or matchExpressions`);
  return value as Selector[];
}

function annotations(value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) return fail("injectedAnnotations: must be a map");
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]));
}
