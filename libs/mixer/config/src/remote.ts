import {
  encodeParams,
  type ParamsMessage,
  paramsMessageOf,
  type WireField,
  type WireTemplate,
  wireOfDescriptor,
  wireOfTemplate,
} from "@xebec/mixer-wire";
import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import { resolveReference, TEMPLATES } from "@xebec/model-mixer";
import type { AdapterSpec, Connection, HandlerSpec, TemplateObjectSpec } from "@xebec/model-resources";
import type { Path } from "@xebec/model-schema";
import { readAdapterAddress } from "./adapter-address.ts";
import { checkField } from "./expression.ts";
import type { CheckedParams } from "./instance.ts";
import { Literal } from "./literal.ts";
import { type MixerViolation, violation, withReason } from "./violation.ts";

/** An adapter in a process of its own, as its object describes it. */
export interface RemoteAdapterInfo {
  /** `NAME.adapter.NAMESPACE`. */
  readonly name: string;
  readonly description: string;
  readonly templates: readonly WireTemplate[];
  /** Absent: its handlers have no parameters. */
  readonly params: ParamsMessage | undefined;
  readonly sessionBased: boolean;
  /** Changes when anything of it does. */
  readonly version: string;
}

/** What a handler of such an adapter is made of; it can be written as JSON. */
export interface RemoteConfig {
  readonly connection: Connection;
  /** google.protobuf.Any of its parameters, the value in base64; absent: calls carry none. */
  readonly any?: { readonly typeUrl: string; readonly value: string };
}

export interface CheckedTemplateObject {
  readonly wire: WireTemplate | undefined;
  readonly violations: readonly MixerViolation[];
}

/** Checks an object of kind `template`. @param name its full name */
export function checkTemplateObject(name: string, { descriptor = "" }: TemplateObjectSpec): CheckedTemplateObject {
  try {
    return { wire: wireOfDescriptor(name, descriptor), violations: [] };
  } catch (error) {
    const text = (error as Error).message;
    return { wire: undefined, violations: [violation("InvalidSpec", ["spec", "descriptor"], text)] };
  }
}

/**
 * Checks an object of kind `adapter`.
 * @param templates those that there are as objects, by full name; absent where they are not known. Istio's own need none
 */
export function checkAdapterObject(
  name: string,
  namespace: string,
  spec: AdapterSpec,
  templates?: ReadonlyMap<string, WireTemplate>,
): { readonly info: RemoteAdapterInfo | undefined; readonly violations: readonly MixerViolation[] } {
  const { description = "", config = "", sessionBased = false } = spec;
  const violations: MixerViolation[] = [];
  let params: ParamsMessage | undefined;
  try {
    params = paramsMessageOf(config);
  } catch (error) {
    violations.push(violation("InvalidSpec", ["spec", "config"], (error as Error).message));
  }
  const found: WireTemplate[] = [];
  for (const [i, reference] of (spec.templates ?? []).entries()) {
    const wire =
      templates && (resolveReference(templates, reference, "template", namespace) ?? standardWire(reference));
    if (wire) found.push(wire);
    else if (templates) {
      const text = `there is no template "${reference}" (seen from namespace ${namespace})`;
      violations.push(violation("MissingReference", ["spec", "templates", i], text));
    }
  }
  const version = JSON.stringify([
    name,
    config,
    sessionBased,
    found.map((each) => [each.template.name, each.path, each.fields, each.output]),
  ]);
  const info = { name, description, templates: found, params, sessionBased, version };
  return { info: violations.length > 0 ? undefined : info, violations };
}

/** The form of one of Istio's templates, which needs no object. */
function standardWire(name: string): WireTemplate | undefined {
  const template = TEMPLATES.get(name);
  return template && wireOfTemplate(template);
}

/** Checks what a handler says of its connection (docs/reference/mixer.md §9.4). */
export function checkConnection({ address = "", authentication = {} }: Connection, path: Path): MixerViolation[] {
  const { tls, mutual } = authentication;
  const wrong = (field: Path, text: string): MixerViolation => violation("InvalidParams", [...path, ...field], text);
  const violations: MixerViolation[] = [];
  if (address === "") violations.push(wrong(["address"], "is required: HOST:PORT of the adapter"));
  const found = readAdapterAddress(address);
  if (typeof found === "string") violations.push(wrong(["address"], found));
  else if (found.kind !== "grpc" && (tls || mutual))
    violations.push(wrong(["authentication"], `is of no use with ${address}: no connection of its own is made`));
  if (tls && mutual) violations.push(wrong(["authentication"], "has both tls and mutual"));
  if (tls) {
    const { tokenPath = "", oauth, authHeader, customHeader = "" } = tls;
    if ((tokenPath === "") === (oauth === undefined))
      violations.push(wrong(["authentication", "tls"], "needs a token: either tokenPath or oauth"));
    if ((authHeader === undefined) === (customHeader === ""))
      violations.push(
        wrong(["authentication", "tls"], "must say where the token goes: either authHeader or customHeader"),
      );
    for (const key of ["clientId", "clientSecret", "tokenUrl"] as const)
      if (oauth && !oauth[key]) violations.push(wrong(["authentication", "tls", "oauth", key], "is required"));
  }
  for (const key of ["privateKey", "clientCertificate"] as const)
    if (mutual && !mutual[key]) violations.push(wrong(["authentication", "mutual", key], "is required"));
  return violations;
}

/** Checks a handler of an adapter in a process of its own. @param info the adapter that it names */
export function checkRemoteHandler(
  { params, connection = {} }: HandlerSpec,
  info: RemoteAdapterInfo,
): { readonly config: RemoteConfig | undefined; readonly violations: readonly MixerViolation[] } {
  const violations = checkConnection(connection, ["spec", "connection"]);
  if (connection.address === "worker://")
    violations.push(
      violation(
        "InvalidParams",
        ["spec", "connection", "address"],
        "worker:// is for adapters of the service: name one in compiledAdapter",
      ),
    );
  if (!info.params) return { config: violations.length > 0 ? undefined : { connection }, violations };
  const { bytes, violations: found } = encodeParams(info.params, params);
  violations.push(...withReason(found, "InvalidParams", ["spec", "params"]));
  if (violations.length > 0) return { config: undefined, violations };
  const any = { typeUrl: info.params.typeUrl, value: Buffer.from(bytes).toString("base64") };
  return { config: { connection, ...(info.sessionBased ? {} : { any }) }, violations };
}

/**
 * Checks the parameters of an instance of such a template (docs/reference/mixer.md §9.3): a string in quotes is itself, another is an
 * expression, and what is no string is itself.
 */
export function checkRemoteInstance(
  wire: WireTemplate,
  params: unknown,
  paramsPath: Path,
  vocabulary: Vocabulary,
): CheckedParams {
  const types: Record<string, ValueType> = {};
  const maps: Record<string, Record<string, ValueType>> = {};
  const violations: MixerViolation[] = [];
  const leaf = (field: WireField, value: unknown, path: Path): readonly [unknown, ValueType] | undefined => {
    const wrong = (text: string): undefined => void violations.push(violation("InvalidExpression", path, text));
    if (typeof value === "string") {
      if (value === "") return wrong("is empty; an expression is needed");
      const quoted = value.length >= 2 && /^(["']).*\1$/s.test(value) ? value.slice(1, -1) : undefined;
      const want = field.type === "ANY" ? undefined : field.type;
      if (quoted !== undefined && (want === undefined || want === "STRING")) {
        if (field.kind === "enum" && !field.values?.has(quoted))
          return wrong(`"${quoted}" is not one of ${[...(field.values?.keys() ?? [])].join(", ")}`);
        return [new Literal("STRING", quoted), "STRING"];
      }
      const type = checkField(value, path, vocabulary, want, violations);
      if (type === undefined) return undefined;
      if (field.kind === "enum" && type !== "STRING" && type !== "INT64")
        return wrong(`is ${type}; an enumeration needs STRING or INT64`);
      if (field.kind === "any" && type === "STRING_MAP") return wrong("is a map, which a value cannot hold");
      return [value, type];
    }
    if (typeof value === "boolean" && (field.type === "ANY" || field.type === "BOOL"))
      return [new Literal("BOOL", value), "BOOL"];
    if (typeof value === "number") {
      if (field.type === "DOUBLE" || field.kind === "any") return [new Literal("DOUBLE", value), "DOUBLE"];
      if ((field.type === "INT64" || field.kind === "enum") && Number.isSafeInteger(value))
        return [new Literal("INT64", value), "INT64"];
    }
    return wrong(`${JSON.stringify(value)} cannot be a ${field.type}`);
  };
  const visit = (fields: readonly WireField[], value: unknown, path: Path, id: string): Record<string, unknown> => {
    const out: Record<string, unknown> = {};
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      violations.push(violation("InvalidSpec", path, "must be an object"));
      return out;
    }
    for (const [name, inner] of Object.entries(value)) {
      const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const field = fields.find((each) => each.key === key || each.key === name);
      const here = [...path, name];
      if (!field) violations.push(violation("InvalidSpec", here, "the template has no such field"));
      else if (field.form === "message") out[field.key] = visit(field.fields, inner, here, `${id}${field.key}.`);
      else if (field.form === "map" || field.kind === "labels") {
        const entries: Record<string, unknown> = {};
        const own: Record<string, ValueType> = {};
        if (typeof inner !== "object" || inner === null)
          violations.push(violation("InvalidSpec", here, "must be an object"));
        else
          for (const [entry, text] of Object.entries(inner)) {
            const found = leaf(field, text, [...here, entry]);
            if (found) [entries[entry], own[entry]] = found;
          }
        out[field.key] = entries;
        maps[id + field.key] = own;
      } else {
        const found = leaf(field, inner, here);
        if (found) [out[field.key], types[id + field.key]] = found;
      }
    }
    return out;
  };
  const values = visit(wire.fields, params ?? {}, paramsPath, "");
  return { params: values, shape: { types, maps }, violations };
}
