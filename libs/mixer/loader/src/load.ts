import type { Adapter, AdapterHost, AdapterInfo, AdapterModule } from "@xebec/mixer-sdk";
import { findPackage, type PackagePlace, refusal } from "./package.ts";
import { prepareImports, versioned } from "./sdk-module.ts";

/** What the main module of an adapter's package exports: the adapter itself, or its description and what makes it. */
interface PackageModule {
  readonly default?: unknown;
  readonly info?: unknown;
  readonly createAdapter?: unknown;
}

export interface AdapterPackage extends PackagePlace {
  /** As `--adapter` has it. */
  readonly reference: string;
}

/** An adapter that was read from a package. */
export interface LoadedAdapter {
  readonly place: AdapterPackage;
  readonly info: AdapterInfo;
  readonly module: AdapterModule;
}

/**
 * Loads an adapter: its module exports one that `defineAdapter` made as `default`, or `info` and `createAdapter(host)`. Loading it again
 * reads its files again.
 * @param from the folder from which packages are looked for
 * @throws XebecError invalid_argument when there is none, or when it cannot be one
 */
export async function loadAdapterPackage(reference: string, from?: string): Promise<LoadedAdapter> {
  const place = { reference, ...findPackage(reference, from) };
  const version = prepareImports(place.root);
  let exported: PackageModule;
  try {
    exported = (await import(versioned(place.entry, version))) as PackageModule;
  } catch (error) {
    throw refusal(reference, `${place.entry} cannot be loaded: ${(error as Error).message}`);
  }
  const given = exported.default;
  const whole = isObject(given) && typeof given.create === "function" ? (given as unknown as Adapter) : undefined;
  const make = typeof given === "function" ? given : exported.createAdapter;
  const info = whole ?? exported.info;
  if (!isObject(info) || (whole === undefined && typeof make !== "function"))
    throw refusal(reference, `${place.entry} must export defineAdapter({...}) as default, or info and createAdapter`);
  const problem = shapeProblem(info);
  if (problem !== undefined) throw refusal(reference, `${place.entry}: ${problem}`);
  const createAdapter = whole ? () => whole : (make as (host: AdapterHost) => Adapter);
  return { place, info: info as unknown as AdapterInfo, module: { createAdapter } };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function shapeProblem(info: Readonly<Record<string, unknown>>): string | undefined {
  const { name, templates, config } = info;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]*$/.test(name))
    return `the adapter's name ${JSON.stringify(name)} must be lower-case letters, digits and "-"`;
  if (!Array.isArray(templates) || templates.length === 0 || templates.some((each) => typeof each !== "string"))
    return "the adapter must name at least one template";
  return isObject(config) ? undefined : "the adapter must have a schema of its configuration, `config`";
}
