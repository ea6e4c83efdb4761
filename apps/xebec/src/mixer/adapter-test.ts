import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { XebecError } from "@xebec/core-errors";
import { readManifest } from "@xebec/core-yaml";
import { installAdapters } from "@xebec/mixer-loader";
import {
  type AdapterInfo,
  durationMs,
  type Handler,
  type Instance,
  TEMPLATES,
  type TemplateField,
  type ValueMap,
} from "@xebec/mixer-sdk";
import { paramErrors } from "@xebec/mixer-sdk/testkit";
import { type AttributeValue, attributeFromJson, type ValueType } from "@xebec/model-attributes";
import { type CaseHandler, openCase, type Transport } from "./case-transport.ts";

type Given = Readonly<Record<string, unknown>>;
interface Case {
  readonly name?: string;
  readonly params?: unknown;
  /** Parts of what is said of wrong parameters. */
  readonly errors?: readonly string[];
  readonly steps?: readonly Step[];
}
interface Step {
  readonly advance?: string;
  readonly check?: Call;
  readonly quota?: Call & {
    readonly amount?: number;
    readonly bestEffort?: boolean;
    readonly deduplicationId?: string;
  };
  readonly report?: Call & { readonly instances?: readonly Given[] };
  readonly attributes?: Call;
  /** What the answer has, field by field; others are not looked at. */
  readonly expect?: Given;
  /** A part of the error that the call must fail with. */
  readonly error?: string;
}
interface Call {
  readonly template: string;
  readonly name?: string;
  readonly instance?: Given;
}

export interface TestFlags {
  readonly filename?: string;
  /** Where the adapter runs. */
  readonly transport?: Transport;
  /** Servers of a bus, for the transport of that name. */
  readonly bus?: readonly string[];
}
type Open = (params: unknown) => Promise<CaseHandler>;

/** `xebec adapter test`. @returns 1 when a case failed */
export async function adapterTest(
  dir: string,
  { filename, transport = "process", bus = [] }: TestFlags = {},
): Promise<number> {
  const [loaded] = await installAdapters([dir]);
  if (!loaded) throw new XebecError("invalid_argument", `there is no adapter in ${dir}`);
  const file = filename ?? join(loaded.place.root, "cases.yaml");
  if (!existsSync(file)) throw new XebecError("invalid_argument", `there are no cases in ${file}`);
  const open: Open = (params) => openCase(loaded, params, transport, bus);
  let failed = 0;
  const cases = readManifest(readFileSync(file, "utf8")).objects.map(({ value }) => value as unknown as Case);
  for (const [i, each] of cases.entries()) {
    const name = each.name ?? `case ${i + 1}`;
    const problem = await run(loaded.info, open, each).catch((error: unknown) => (error as Error).message);
    if (problem !== undefined) failed++;
    process.stdout.write(problem === undefined ? `ok   ${name}\n` : `FAIL ${name}: ${problem}\n`);
  }
  process.stdout.write(`${cases.length - failed} of ${cases.length} cases passed\n`);
  return failed > 0 || cases.length === 0 ? 1 : 0;
}

/** @returns what is wrong; undefined when it passed */
async function run(
  adapter: AdapterInfo,
  open: Open,
  { params = {}, errors, steps = [] }: Case,
): Promise<string | undefined> {
  if (errors) {
    const found = paramErrors(adapter, params);
    const missing = errors.filter((each) => !found.some((text) => text.includes(each)));
    return missing.length > 0
      ? `${missing.join(", ")} was not said of the parameters, but: ${found.join("; ") || "nothing"}`
      : undefined;
  }
  const { handler, advance, close } = await open(params);
  try {
    for (const [i, step] of steps.entries()) {
      if (step.advance) await advance(durationMs(step.advance));
      const problem = await runStep(handler, step);
      if (problem !== undefined) return `step ${i + 1}: ${problem}`;
    }
    return undefined;
  } finally {
    await close();
  }
}

async function runStep(handler: Handler, step: Step): Promise<string | undefined> {
  let answer: unknown;
  try {
    answer = await call(handler, step);
  } catch (error) {
    const text = (error as Error).message;
    if (step.error !== undefined && text.includes(step.error)) return undefined;
    return `it failed: ${text}`;
  }
  if (step.error !== undefined) return `it should have failed with "${step.error}"`;
  for (const [key, want] of Object.entries(step.expect ?? {})) {
    const got = (answer as Given | undefined)?.[key];
    if (!isDeepStrictEqual(got, want)) return `${key} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`;
  }
  return undefined;
}

function call(handler: Handler, { check, quota, report, attributes }: Step): unknown {
  if (check) return handler.check?.(instanceOf(check, check.instance), check.template);
  if (attributes) return handler.attributes?.(instanceOf(attributes, attributes.instance), attributes.template);
  if (quota) {
    const { amount = 1, bestEffort = false, deduplicationId = "" } = quota;
    return handler.quota?.(instanceOf(quota, quota.instance), { amount, bestEffort, deduplicationId });
  }
  if (!report) return undefined;
  const instances = (report.instances ?? [report.instance ?? {}]).map((each) => instanceOf(report, each));
  return handler.report?.(instances, report.template);
}

/** An instance as the runtime makes it. @throws XebecError for a value that its field cannot hold */
function instanceOf({ template: name, name: own = `i.${name}.default` }: Call, given: Given = {}): Instance {
  const template = TEMPLATES.get(name);
  if (!template) throw new XebecError("invalid_argument", `there is no template ${name}`);
  const types: Record<string, ValueType> = {};
  const visit = (fields: readonly TemplateField[], values: Given, path: string): Record<string, unknown> => {
    const out: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      const field = fields.find((each) => each.key === key || each.name === key);
      if (!field) throw new XebecError("invalid_argument", `the template ${name} has no field ${path}${key}`);
      if (field.form === "message") out[field.key] = visit(field.fields, value as Given, `${path}${field.key}.`);
      else if (field.form === "map") out[field.key] = mapOf(field, value as Given);
      else [types[path + field.key], out[field.key]] = leafOf(field, value);
    }
    return out;
  };
  return { ...visit(template.fields, given, ""), name: own, types };
}

function mapOf(field: TemplateField, given: Given): ValueMap {
  const names = Object.keys(given).sort();
  const leaves = names.map((each) => leafOf(field, given[each]));
  return { names, types: leaves.map(([type]) => type), values: leaves.map(([, value]) => value) };
}

function leafOf({ key, type }: TemplateField, given: unknown): [ValueType, AttributeValue] {
  const own = type === "ANY" ? guessed(given) : type;
  const value = attributeFromJson(own, given);
  if (value === undefined) throw new XebecError("invalid_argument", `${key}: ${JSON.stringify(given)} is not a ${own}`);
  return [own, value];
}

function guessed(given: unknown): ValueType {
  if (typeof given === "number") return Number.isInteger(given) ? "INT64" : "DOUBLE";
  return typeof given === "boolean" ? "BOOL" : typeof given === "object" ? "STRING_MAP" : "STRING";
}
