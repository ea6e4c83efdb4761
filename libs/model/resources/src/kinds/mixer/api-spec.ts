import {
  bool,
  bytes,
  double,
  duration,
  field,
  int64,
  list,
  map,
  message,
  type Path,
  required,
  type Static,
  string,
} from "@xebec/model-schema";
import type { Kind } from "../../kind.ts";
import type { Checker } from "../../rules/checker.ts";
import { checkBoundServices, IstioService } from "./bound-service.ts";
import { readUriTemplate } from "./uri-template.ts";

const AttributeValue = message("Attributes.AttributeValue", {
  stringValue: field(string(), "A text; also the value of attributes of type URI, DNS_NAME and EMAIL_ADDRESS."),
  int64Value: field(int64(), "An integer."),
  doubleValue: field(double(), "A number."),
  boolValue: field(bool(), "True or false."),
  bytesValue: field(bytes(), "Bytes in base64: an address."),
  timestampValue: field(string(), "An instant, such as `2019-03-01T00:00:00Z`."),
  durationValue: field(duration(), "A duration."),
  stringMapValue: field(message("Attributes.StringMap", { entries: field(map(string()), "The entries.") }), "A map."),
});
export type ApiAttributeValue = Static<typeof AttributeValue>;

const Attributes = message("Attributes", {
  attributes: field(map(AttributeValue), "Attributes by their names, such as `api.operation`. Required."),
});
export type ApiAttributes = Static<typeof Attributes>;

const Pattern = message("HTTPAPISpecPattern", {
  attributes: field(Attributes, "Set for requests that the pattern matches: most often `api.operation`."),
  httpMethod: required(string({ minLength: 1 }), "The method, such as `GET`; `*` for all."),
  uriTemplate: field(string(), "A URI template of RFC 6570, for the path without its query: `/pets/{id}`."),
  regex: field(string(), "A regular expression (RE2) for the whole path, its query included. In place of uriTemplate."),
});

const ApiKey = message("APIKey", {
  query: field(string(), "The name of a parameter of the query."),
  header: field(string(), "The name of a header."),
  cookie: field(string(), "The name of a cookie."),
});
export type ApiKey = Static<typeof ApiKey>;

/** Attributes of API management, by method and path (docs/reference/mixer.md §1.2). */
const HttpApiSpecSchema = message("HTTPAPISpec", {
  attributes: field(
    Attributes,
    "Set for requests that one of the patterns matches: most often `api.service` and `api.version`.",
  ),
  patterns: field(list(Pattern), "The requests of the API. Required."),
  apiKeys: field(list(ApiKey), "Where `request.api_key` comes from; the first that a request has counts.", {
    defaultText: "query `key`, query `api_key`, header `x-api-key`",
  }),
});
export type HttpApiSpecSpec = Static<typeof HttpApiSpecSchema>;

const Reference = message("HTTPAPISpecReference", {
  name: required(string({ minLength: 1 }), "The name of an HTTPAPISpec."),
  namespace: field(string(), "Its namespace.", { defaultText: "the binding's own" }),
});

const HttpApiSpecBindingSchema = message("HTTPAPISpecBinding", {
  services: field(list(IstioService), "The services whose requests belong to the APIs. Required."),
  apiSpecs: field(list(Reference), "The APIs. Required."),
});
export type HttpApiSpecBindingSpec = Static<typeof HttpApiSpecBindingSchema>;

const DEFAULT_KEYS: readonly ApiKey[] = [{ query: "key" }, { query: "api_key" }, { header: "x-api-key" }];

/** Where a request's API key is looked for, in this order. */
export function apiKeysOf({ apiKeys = [] }: HttpApiSpecSpec): readonly ApiKey[] {
  return apiKeys.length > 0 ? apiKeys : DEFAULT_KEYS;
}

function checkSpec({ attributes, patterns = [], apiKeys = [] }: HttpApiSpecSpec, check: Checker): void {
  checkAttributes(attributes, ["spec", "attributes"], check);
  if (patterns.length === 0) check.fail(["spec", "patterns"], "must have at least one pattern");
  for (const [i, { attributes: own, uriTemplate, regex }] of patterns.entries()) {
    const path = ["spec", "patterns", i];
    checkAttributes(own, [...path, "attributes"], check);
    if ((uriTemplate === undefined) === (regex === undefined))
      check.fail(path, `must have ${regex === undefined ? "" : "only "}one of uriTemplate and regex`);
    const template = uriTemplate === undefined ? undefined : readUriTemplate(uriTemplate);
    if (typeof template === "string") check.fail([...path, "uriTemplate"], template);
    if (regex === "") check.fail([...path, "regex"], "must not be empty");
    check.regex(regex, [...path, "regex"]);
  }
  for (const [i, key] of apiKeys.entries()) {
    const path = ["spec", "apiKeys", i];
    const given = Object.entries(key);
    if (given.length !== 1) check.fail(path, "must have exactly one of query, header and cookie");
    for (const [name, value] of given) if (value === "") check.fail([...path, name], "must not be empty");
  }
}

function checkAttributes(attributes: ApiAttributes | undefined, path: Path, check: Checker): void {
  if (!attributes) return;
  const entries = Object.entries(attributes.attributes ?? {});
  if (entries.length === 0) check.fail([...path, "attributes"], "must have at least one attribute");
  for (const [name, value] of entries) {
    const at = [...path, "attributes", name];
    const given = Object.entries(value);
    if (given.length !== 1) check.fail(at, "must have exactly one value");
    for (const [field, each] of given) if (each === "") check.fail([...at, field], "must not be empty");
    if (value.stringMapValue && Object.keys(value.stringMapValue.entries ?? {}).length === 0)
      check.fail([...at, "stringMapValue", "entries"], "must have at least one entry");
  }
}

function checkBinding({ services = [], apiSpecs = [] }: HttpApiSpecBindingSpec, check: Checker): void {
  checkBoundServices(services, check);
  if (apiSpecs.length === 0) check.fail(["spec", "apiSpecs"], "must name at least one HTTPAPISpec");
  for (const [i, { namespace }] of apiSpecs.entries())
    if (namespace) check.name(namespace, ["spec", "apiSpecs", i, "namespace"]);
}

const common = { group: "config.istio.io", versions: ["v1alpha2"], shortNames: [], columns: [] } as const;

export const httpApiSpec: Kind = {
  ...common,
  kind: "HTTPAPISpec",
  plural: "httpapispecs",
  description: "Attributes for the requests of an API: its operations, and where its keys are.",
  schema: HttpApiSpecSchema,
  check: checkSpec,
};

export const httpApiSpecBinding: Kind = {
  ...common,
  kind: "HTTPAPISpecBinding",
  plural: "httpapispecbindings",
  description: "The services that HTTPAPISpecs describe.",
  schema: HttpApiSpecBindingSchema,
  check: checkBinding,
};
