import {
  type AttributeBag,
  type AttributeValue,
  type Layout,
  parseGoDuration,
  parseTimestamp,
  type StringMap,
  stringMap,
  type ValueType,
} from "@xebec/model-attributes";
import { regexTest } from "@xebec/model-expr";
import {
  type ApiAttributes,
  type ApiAttributeValue,
  apiKeysOf,
  boundHost,
  type HttpApiSpecBindingSpec,
  type HttpApiSpecSpec,
  type Resource,
  readUriTemplate,
} from "@xebec/model-resources";
import type { Conditions } from "./condition.ts";
import { readObject } from "./read-objects.ts";

interface Generated {
  readonly slot: number;
  readonly value: AttributeValue;
}

/** The API of a service. */
interface Api {
  readonly shared: readonly Generated[];
  readonly templates: readonly Pattern[];
  readonly regexes: readonly Pattern[];
  readonly keys: ReturnType<typeof apiKeysOf>;
}

interface Pattern {
  readonly method: string;
  readonly rank: string;
  fits(path: string): boolean;
  readonly attributes: readonly Generated[];
}

interface Read {
  readonly resource: Resource;
  readonly api: Api;
  readonly problems: readonly string[];
}

const ALL = "*";
const KEY = "request.api_key";
const PART = ["request.method", "request.path", "request.headers", "request.query_params"] as const;

/**
 * The attributes that HTTPAPISpecs and their bindings give to requests (docs/reference/mixer.md §1.2): those of the operation, and the API
 * key. The proxy of Istio 1.1 found them; here Mixer's services do, before anything else looks at a request.
 */
export class ServiceApis {
  readonly #host: number;
  readonly #apis = new Map<string, Api[]>();
  readonly #key: number;
  readonly #slots: readonly number[];

  /**
   * @param resources all objects; of each HTTPAPISpec and HTTPAPISpecBinding what becomes of it is reported
   * @param layout of all expressions: what none of them reads is never computed
   */
  constructor(resources: readonly Resource[], layout: Layout, conditions: Conditions) {
    const specs = readSpecs(resources, layout, conditions);
    this.#key = layout.find(KEY);
    for (const resource of resources) {
      const object = resource.kind === "HTTPAPISpecBinding" ? readObject(resource, conditions) : undefined;
      if (!object) continue;
      const { services = [], apiSpecs = [] } = object.spec as HttpApiSpecBindingSpec;
      const missing: string[] = [];
      for (const { name, namespace } of apiSpecs) {
        const found = specs.get(`${namespace || resource.namespace}/${name}`);
        if (!found) {
          missing.push(`there is no HTTPAPISpec ${namespace || resource.namespace}/${name}`);
          continue;
        }
        for (const service of services) this.#bind(boundHost(service, resource.namespace), found.api);
        say(found.resource, found.problems, conditions);
      }
      if (missing.length < apiSpecs.length) say(resource, missing, conditions);
      else conditions.reject(resource, "NoAction", missing.join("; "));
    }
    this.#host = this.#apis.size === 0 ? -1 : layout.slot("destination.service.host");
    this.#slots = this.#apis.size === 0 ? [] : PART.map((name) => layout.slot(name));
  }

  #bind(host: string, api: Api): void {
    const isRead = [api.shared, ...[...api.templates, ...api.regexes].map(({ attributes }) => attributes)];
    if (this.#key < 0 && isRead.every((each) => each.length === 0)) return;
    this.#apis.set(host, [...(this.#apis.get(host) ?? []), api]);
  }

  /** Lays the attributes over a request; what the caller sent stays. */
  apply(bag: AttributeBag): void {
    if (this.#apis.size === 0) return;
    const apis = [...(this.#apis.get(String(bag.get(this.#host))) ?? []), ...(this.#apis.get(ALL) ?? [])];
    if (apis.length === 0) return;
    const [method, path] = this.#slots.slice(0, 2).map((slot) => bag.get(slot));
    const found = new Map<number, AttributeValue>();
    if (typeof method === "string" && typeof path === "string")
      for (const api of apis) for (const { slot, value } of attributesFor(api, method, path)) found.set(slot, value);
    for (const [slot, value] of found) bag.generate(slot, value);
    if (this.#key < 0) return;
    const [, , headers, query] = this.#slots;
    const mapAt = (slot = -1): StringMap | undefined => bag.get(slot) as StringMap | undefined;
    const key = keyOf(
      apis,
      () => mapAt(headers),
      () => mapAt(query),
    );
    if (key !== undefined) bag.generate(this.#key, key);
  }
}

function readSpecs(resources: readonly Resource[], layout: Layout, conditions: Conditions): Map<string, Read> {
  const specs = new Map<string, Read>();
  for (const resource of resources) {
    const object = resource.kind === "HTTPAPISpec" ? readObject(resource, conditions) : undefined;
    if (!object) continue;
    const problems: string[] = [];
    const api = apiOf(object.spec as HttpApiSpecSpec, layout, problems);
    specs.set(`${resource.namespace}/${resource.name}`, { resource, api, problems });
    conditions.accept(resource, "compiled", "Unused", "valid, but no HTTPAPISpecBinding refers to it");
  }
  return specs;
}

function say(resource: Resource, problems: readonly string[], conditions: Conditions): void {
  if (problems.length === 0) conditions.accept(resource, "attached", "Compiled", "in effect");
  else
    conditions.accept(resource, "attached", "PartlyRejected", `in effect, but not all of it: ${problems.join("; ")}`);
}

function apiOf(spec: HttpApiSpecSpec, layout: Layout, problems: string[]): Api {
  const templates: Pattern[] = [];
  const regexes: Pattern[] = [];
  for (const [i, { httpMethod, uriTemplate, regex, attributes }] of (spec.patterns ?? []).entries()) {
    const place = `patterns[${i}]`;
    const own = generatedOf(attributes, layout, `${place}.attributes`, problems);
    const template = uriTemplate === undefined ? undefined : readUriTemplate(uriTemplate);
    if (typeof template === "string") problems.push(`${place}.uriTemplate: ${template}`);
    try {
      if (typeof template === "object") {
        const fits = regexTest(template.regex);
        const pathOnly = (path: string): boolean => fits(path.replace(/[?#].*$/s, ""));
        templates.push({ method: httpMethod, rank: template.rank, fits: pathOnly, attributes: own });
      } else if (regex !== undefined)
        regexes.push({ method: httpMethod, rank: "", fits: regexTest(`^(?:${regex})$`), attributes: own });
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`);
    }
  }
  templates.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  const shared = generatedOf(spec.attributes, layout, "attributes", problems);
  return { shared, templates, regexes, keys: apiKeysOf(spec) };
}

/** Of templates the most exact one counts, of regular expressions each; later ones override. */
function attributesFor({ shared, templates, regexes }: Api, method: string, path: string): readonly Generated[] {
  const fits = (each: Pattern): boolean => (each.method === method || each.method === ALL) && each.fits(path);
  const template = templates.find(fits);
  const matched = [...(template ? [template] : []), ...regexes.filter(fits)];
  return matched.length === 0 ? [] : [...shared, ...matched.flatMap(({ attributes }) => attributes)];
}

function keyOf(
  apis: readonly Api[],
  headers: () => StringMap | undefined,
  queries: () => StringMap | undefined,
): string | undefined {
  for (const { keys } of apis)
    for (const { query, header, cookie } of keys) {
      const value =
        query !== undefined
          ? queries()?.get(query)
          : header !== undefined
            ? headers()?.get(header.toLowerCase())
            : cookieNamed(cookie ?? "", headers()?.get("cookie") ?? "");
      if (value) return value;
    }
  return undefined;
}

function cookieNamed(name: string, header: string): string | undefined {
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name)
      return pair
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}

function generatedOf(given: ApiAttributes | undefined, layout: Layout, place: string, problems: string[]): Generated[] {
  return Object.entries(given?.attributes ?? {}).flatMap(([name, value]) => {
    const type = layout.vocabulary.typeOf(name);
    const read = type && typedValue(type, value);
    if (read === undefined)
      problems.push(`${place}.attributes.${name}: ${type ? `the attribute is of type ${type}` : "unknown attribute"}`);
    const slot = layout.find(name);
    return read === undefined || slot < 0 ? [] : [{ slot, value: read }];
  });
}

/** @returns undefined when the value is none of the type */
function typedValue(type: ValueType, value: ApiAttributeValue): AttributeValue | undefined {
  switch (type) {
    case "INT64":
      return value.int64Value === undefined ? undefined : Number(value.int64Value);
    case "DOUBLE":
      return value.doubleValue;
    case "BOOL":
      return value.boolValue;
    case "TIMESTAMP":
      return value.timestampValue === undefined ? undefined : parseTimestamp(value.timestampValue);
    case "DURATION":
      return value.durationValue === undefined ? undefined : parseGoDuration(value.durationValue);
    case "STRING_MAP":
      return value.stringMapValue && stringMap(value.stringMapValue.entries ?? {});
    case "IP_ADDRESS":
      return value.bytesValue === undefined ? undefined : addressOf(value.bytesValue);
    default:
      return value.stringValue;
  }
}

function addressOf(base64: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Buffer.from(base64, "base64"));
  return bytes.length === 4 || bytes.length === 16 ? bytes : undefined;
}
