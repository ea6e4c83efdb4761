import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { readManifest } from "@xebec/core-yaml";
import { ADAPTERS, loadAdapters } from "@xebec/mixer-catalogue";
import { MIXER_GROUP } from "@xebec/mixer-config";
import { installAdapters } from "@xebec/mixer-loader";
import { createRemoteFactory } from "@xebec/mixer-remote";
import { MixerRuntime, type RecordedBag, type Snapshot } from "@xebec/mixer-runtime";
import { type Adapter, adapterHost, TEMPLATES, type Variety } from "@xebec/mixer-sdk";
import { attributeFromJson, MutableBag } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import { type PlacedAdapter, placeAdapter, type Transport } from "./case-transport.ts";
import { ruleLines } from "./explain-check.ts";

export interface ReplayFlags {
  readonly filename: readonly string[];
  readonly transport: Transport;
  readonly bus?: readonly string[];
  readonly output: "text" | "json";
}

const VARIETIES: readonly Variety[] = ["check", "quota", "report", "attributes"];
const ROOT = "istio-system";

/**
 * `xebec adapter replay`: hands each request of a recording to the handlers of some objects, as Mixer's services do, on a clock that goes on as the
 * requests did.
 * @returns 1 when a handler failed or an instance could not be made
 */
export async function adapterReplay(file: string, dir: string | undefined, flags: ReplayFlags): Promise<number> {
  const [loaded] = dir === undefined ? [] : await installAdapters([dir]);
  if (dir !== undefined && !loaded) throw new XebecError("invalid_argument", `there is no adapter in ${dir}`);
  const records = readRecords(file);
  const placed = loaded && (await placeAdapter(loaded, flags.transport, flags.bus));
  try {
    const { runtime, failed } = await start(withRules(flags.filename.flatMap(readObjects)), placed);
    try {
      return failed ? 1 : await replay(records, runtime.snapshot as Snapshot, placed, flags.output);
    } finally {
      await runtime.close();
    }
  } finally {
    await placed?.close();
  }
}

async function start(objects: readonly Resource[], placed: PlacedAdapter | undefined) {
  const own = await loadAdapters(VARIETIES, () => adapterHost());
  const adapters: Adapter[] = own.map((each) => (each.name === placed?.adapter.name ? placed.adapter : each));
  const runtime = new MixerRuntime({
    ...{ adapters, catalogue: new Map([...ADAPTERS, ...adapters.map((each) => [each.name, each] as const)]) },
    ...{ varieties: VARIETIES, defaultNamespace: ROOT, log: logger("adapters"), remote: createRemoteFactory({}) },
  });
  const conditions = await runtime.apply(objects);
  const wrong = conditions.filter(({ state }) => state === "rejected");
  for (const { object, message } of wrong) process.stderr.write(`${object}: ${message}\n`);
  return { runtime, failed: wrong.length > 0 };
}

async function replay(
  records: readonly RecordedBag[],
  snapshot: Snapshot,
  placed: PlacedAdapter | undefined,
  output: ReplayFlags["output"],
): Promise<number> {
  const { layout } = snapshot;
  let failures = 0;
  let before: number | undefined;
  for (const [i, { time, kind, attributes }] of records.entries()) {
    const at = Date.parse(time);
    if (before !== undefined && at > before) await placed?.advance(at - before);
    if (!Number.isNaN(at)) before = Math.max(at, before ?? at);
    const bag = new MutableBag(layout);
    for (const [name, given] of Object.entries(attributes)) {
      const type = layout.vocabulary.typeOf(name);
      const value = type && attributeFromJson(type, given);
      if (value !== undefined) bag.set(name, value);
    }
    const { rules, error } = await snapshot.explain(bag, true);
    const matched = rules.filter((each) => each.matched);
    failures += matched.flatMap(({ actions }) => actions).filter((each) => each.error !== undefined).length;
    if (error !== undefined) failures++;
    if (output === "json")
      process.stdout.write(`${JSON.stringify({ line: i + 1, time, kind, error, rules: matched })}\n`);
    else {
      const lines = [...(error === undefined ? [] : [`  ${error}`]), ...matched.flatMap(ruleLines)];
      process.stdout.write(
        `${i + 1}: ${kind} at ${time}${matched.length === 0 ? ": no rule matched" : ""}\n${lines.map((each) => `${each}\n`).join("")}`,
      );
    }
  }
  process.stderr.write(`${records.length} requests; ${failures} failure${failures === 1 ? "" : "s"}\n`);
  return failures > 0 ? 1 : 0;
}

function readRecords(file: string): RecordedBag[] {
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    let record: Partial<RecordedBag> | undefined;
    try {
      record = JSON.parse(line) as Partial<RecordedBag>;
    } catch {}
    const { time = "", kind = "report", attributes } = record ?? {};
    if (typeof attributes !== "object" || attributes === null)
      throw new XebecError(
        "invalid_argument",
        `${file}:${i + 1}: this is no line of a recording: {"attributes": {...}}`,
      );
    return [{ time, kind, attributes }];
  });
}

function readObjects(file: string): Resource[] {
  return readManifest(readFileSync(file, "utf8")).objects.map(({ value }) => {
    const {
      apiVersion = "",
      kind,
      metadata,
      spec,
    } = value as Partial<{
      apiVersion: string;
      kind: string;
      metadata: { name: string; namespace?: string };
      spec: object;
    }>;
    const [group = "", version = ""] = apiVersion.split("/");
    if (kind === undefined || metadata?.name === undefined || group !== MIXER_GROUP)
      throw new XebecError(
        "invalid_argument",
        `${file}: it must have objects of ${MIXER_GROUP} with kind and name only`,
      );
    return { group, version, kind, name: metadata.name, namespace: metadata.namespace ?? ROOT, spec: spec ?? {} };
  });
}

/** Without rules, each handler gets all instances that its adapter takes. */
function withRules(objects: readonly Resource[]): Resource[] {
  if (objects.some(({ kind }) => kind === "rule")) return [...objects];
  const instances = objects.filter(({ kind }) => kind === "instance" || TEMPLATES.has(kind));
  const templateOf = ({ kind, spec }: Resource): string =>
    kind === "instance"
      ? String(Reflect.get(spec as object, "compiledTemplate") ?? Reflect.get(spec as object, "template"))
      : kind;
  const handlers = objects.filter(({ kind }) => kind === "handler");
  const rules = handlers.flatMap((handler): Resource[] => {
    const adapter = ADAPTERS.get(String(Reflect.get(handler.spec as object, "compiledAdapter")));
    const taken = instances.filter((each) => adapter?.templates.includes(templateOf(each)) ?? true);
    const reference = ({ kind, name, namespace }: Resource): string =>
      kind === "instance" || kind === "handler" ? `${name}.${namespace}` : `${name}.${kind}.${namespace}`;
    if (taken.length === 0) return [];
    const actions = [{ handler: reference(handler), instances: taken.map(reference) }];
    return [{ ...handler, kind: "rule", name: `replay-${handler.name}`, spec: { actions } }];
  });
  return [...objects, ...rules];
}
