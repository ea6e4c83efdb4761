import { didYouMean } from "@xebec/core-errors";
import { type AdapterInfo, type HandlerLimits, type InstanceShape, withDefaults } from "@xebec/mixer-sdk";
import { ISTIO_ADAPTERS } from "@xebec/model-mixer";
import type { HandlerSpec } from "@xebec/model-resources";
import { type Path, readProtoJson } from "@xebec/model-schema";
import type { MixerObject } from "./mixer-object.ts";
import { checkConnection } from "./remote.ts";
import { type MixerViolation, violation, withReason } from "./violation.ts";

/** The adapters that there are, by name. */
export type Adapters = ReadonlyMap<string, AdapterInfo>;

/** A handler that was checked. */
export interface CheckedHandlerObject {
  /** The adapter that it names; empty when it names none. */
  readonly adapterName: string;
  /** Undefined when there is no such adapter here. */
  readonly adapter: AdapterInfo | undefined;
  /** The templates of the adapter, also of one of Istio's that is not here; empty when nobody has it. */
  readonly templates: readonly string[];
  /** Where its parameters are: `spec`, or `spec.params`. */
  readonly paramsPath: Path;
  /** The effective parameters, with defaults; undefined when they are wrong. */
  readonly config: object | undefined;
  readonly violations: readonly MixerViolation[];
}

/**
 * Checks a handler: its adapter, its parameters by the adapter's schema and by the adapter itself (docs/reference/mixer.md §7.2).
 * @param limits what handlers may reach; absent where it is not known
 */
export function checkHandler(object: MixerObject, adapters: Adapters, limits?: HandlerLimits): CheckedHandlerObject {
  const { adapterName, params, namePath, paramsPath, violations } = partsOf(object);
  const adapter = adapters.get(adapterName);
  const templates = adapter?.templates ?? ISTIO_ADAPTERS.get(adapterName) ?? [];
  const found = { adapterName, adapter, templates, paramsPath };
  if (violations.length > 0) return { ...found, config: undefined, violations };
  if (!adapter) {
    const wrong = violation("UnknownAdapter", namePath, unknownAdapter(adapterName, adapters));
    return { ...found, config: undefined, violations: [wrong] };
  }
  const read = readProtoJson(adapter.config, params ?? {}, paramsPath);
  if (read.violations.length > 0)
    return { ...found, config: undefined, violations: withReason(read.violations, "InvalidSpec") };
  const config = withDefaults(adapter.config, adapter.defaults, read.value as object);
  const wrong = checkParams({ adapter, config, paramsPath }, [], limits);
  return { ...found, config: wrong.length > 0 ? undefined : config, violations: wrong };
}

/** What an adapter finds wrong in parameters. @param instances those that rules send to the handler */
export function checkParams(
  {
    adapter,
    config,
    paramsPath,
  }: { readonly adapter: AdapterInfo; readonly config: object; readonly paramsPath: Path },
  instances: readonly InstanceShape[],
  limits: HandlerLimits | undefined,
): readonly MixerViolation[] {
  const found = adapter.validate?.(config as never, { instances, limits }) ?? [];
  return withReason(found, "InvalidParams", paramsPath);
}

function partsOf({ kind, spec }: MixerObject) {
  if (kind !== "handler")
    return { adapterName: kind, params: spec, namePath: ["kind"], paramsPath: ["spec"], violations: [] };
  const { compiledAdapter = "", params, connection } = spec as HandlerSpec;
  const violations: MixerViolation[] = [];
  if (!compiledAdapter)
    violations.push(violation("InvalidSpec", ["spec", "compiledAdapter"], "is required: the adapter's name"));
  // With it the adapter runs elsewhere; without an address there is nothing to connect to.
  else if (connection?.address) violations.push(...checkConnection(connection, ["spec", "connection"]));
  return {
    adapterName: compiledAdapter,
    params,
    namePath: ["spec", "compiledAdapter"],
    paramsPath: ["spec", "params"],
    violations,
  };
}

function unknownAdapter(name: string, adapters: Adapters): string {
  const known = [...adapters.keys()].sort();
  const has = `the adapters are ${known.join(", ")}`;
  return ISTIO_ADAPTERS.has(name)
    ? `the adapter "${name}" of Istio is not supported by this version; ${has}`
    : `there is no adapter "${name}"${didYouMean(name, known) || `; ${has}`}`;
}
