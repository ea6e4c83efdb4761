import { existsSync } from "node:fs";
import { relative } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Condition } from "@xebec/model-resources";
import type { PublishedConfig } from "@xebec/platform-local";
import { readManifests } from "../config-files.ts";
import { callSupervisor } from "../control.ts";
import { kindMatcher } from "../kind-names.ts";
import { lateControllers } from "../late-controllers.ts";
import { meshContext } from "../mesh-context.ts";
import { type FoundObject, type ObjectState, objectKeyOf, objectState } from "../object-state.ts";
import { type Format, listing, print, table } from "../output.ts";

type StateOf = (found: FoundObject) => ObjectState;

export interface GetOptions {
  readonly output: Format;
  readonly namespace?: string;
}

/** `xebec get KIND [NAME]`: objects of the configuration directory, and what the services say of each. */
export async function get(kind: string, name: string | undefined, options: GetOptions): Promise<number> {
  const { configDir, runDir, mesh } = await meshContext();
  if (!existsSync(configDir)) throw new XebecError("not_found", `${configDir} does not exist; start with "xebec up"`);
  const wanted = kindMatcher(kind);
  const { namespace } = options;
  const found = allObjects(configDir).filter(
    ({ id }) =>
      wanted(id.kind) &&
      (name === undefined || id.name === name) &&
      (namespace === undefined || id.namespace === namespace),
  );
  const where = `${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
  if (name !== undefined && found.length === 0)
    throw new XebecError(
      "not_found",
      `there is no ${kind} "${name}"${where} in ${configDir}; "xebec get ${kind}" lists them`,
    );
  const conditions = mesh ? await callSupervisor<Condition[]>(runDir, "GET", "/conditions") : [];
  const late = mesh ? lateControllers(await callSupervisor<PublishedConfig>(runDir, "GET", "/published")) : new Map();
  const stateOf: StateOf = (each) => objectState(each, conditions, new Set(late.keys()));
  const items = found.map((each) => withState(each, stateOf));
  const data = name !== undefined && items.length === 1 ? items[0] : { apiVersion: "v1", kind: "List", items };
  print(
    listing(options.output, data, () =>
      found.length === 0
        ? `no ${kind === "all" ? "objects" : kind} found${where} in ${configDir}\n`
        : text(found, stateOf),
    ),
  );
  return 0;
}

/** Every object with its place; of several with one identity the first, by its file, is in use. */
function allObjects(configDir: string): FoundObject[] {
  const first = new Map<string, string>();
  return [...readManifests(configDir)].flatMap(([path, text]) =>
    text.objects().map((each) => {
      const place = `${relative(configDir, path)}:${each.line}`;
      const key = objectKeyOf(each.id);
      const used = first.get(key);
      if (used === undefined) first.set(key, place);
      return { ...each, place, ...(used === undefined ? {} : { duplicateOf: used }) };
    }),
  );
}

/** The object as it stands in its file, with what is understood when it does not say it. */
function withState(found: FoundObject, stateOf: StateOf): Record<string, unknown> {
  const metadata = found.value.metadata as Record<string, unknown>;
  const shown = found.id.kind === "Secret" ? withoutValues(found.value) : found.value;
  const { state, remarks, conditions } = stateOf(found);
  const addresses = conditions.flatMap((each) => each.addresses ?? []);
  return {
    ...shown,
    metadata: { ...metadata, ...(found.id.namespace ? { namespace: found.id.namespace } : {}) },
    status: {
      conditions: kubernetesConditions(conditions),
      ...(addresses.length > 0 ? { addresses } : {}),
      ...{ state, file: found.place, remarks },
    },
  };
}

/** A Secret with the size of each value in its place: who wants them reads the file. */
function withoutValues(secret: Record<string, unknown>): Record<string, unknown> {
  const sizes = (field: string, encoding: BufferEncoding) => {
    const values = secret[field];
    if (values === null || typeof values !== "object") return {};
    const entries = Object.entries(values).map(([key, value]) => [
      key,
      `[${Buffer.from(String(value), encoding).length} bytes]`,
    ]);
    return { [field]: Object.fromEntries(entries) };
  };
  return { ...secret, ...sizes("data", "base64"), ...sizes("stringData", "utf8") };
}

/** As kubectl shows them; of one type there is one. */
function kubernetesConditions(conditions: readonly Condition[]): unknown[] {
  return conditions
    .toSorted((a, b) => a.type.localeCompare(b.type))
    .map(({ type, status, reason, message, observedGeneration, lastTransitionTime }) => ({
      ...{ type, status, reason, message },
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      lastTransitionTime,
    }));
}

function text(found: readonly FoundObject[], stateOf: StateOf): string {
  const states = found.map((each) => ({ each, ...stateOf(each) }));
  const rows = states.map(({ each: { id, place }, state }) => [id.namespace || "-", id.name, id.kind, place, state]);
  const reported = states.flatMap(({ each: { id }, remarks }) =>
    remarks.map((remark) => `  ${id.kind} ${id.namespace ? `${id.namespace}/` : ""}${id.name}: ${remark}\n`),
  );
  return (
    table(["NAMESPACE", "NAME", "KIND", "FILE", "STATE"], rows) + (reported.length > 0 ? `\n${reported.join("")}` : "")
  );
}
