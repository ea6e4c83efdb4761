import type { DescMessage, Message, Registry } from "@bufbuild/protobuf";
import { readEnvoyJson, wholeApi } from "@xebec/api-envoy";
import {
  ENVOY_FILTER_TYPES,
  type EnvoyConfigPatch,
  type EnvoyFilterApplyTo,
  type EnvoyFilterMatch,
} from "@xebec/model-resources";
import type { EnvoyFilter } from "@xebec/pilot-snapshot";

export type Operation = Exclude<NonNullable<NonNullable<EnvoyConfigPatch["patch"]>["operation"]>, "INVALID">;

/** One patch of an EnvoyFilter, ready to be applied. */
export interface CompiledPatch {
  /** Key of the EnvoyFilter. */
  readonly configKey: string;
  readonly applyTo: EnvoyFilterApplyTo;
  readonly operation: Operation;
  readonly match: EnvoyFilterMatch;
  /** Where it stands, for messages. */
  readonly path: string;
  /**
   * The value as a message of the type that `applyTo` means.
   * @throws EnvoyJsonError when it cannot be read
   */
  value(): Message;
}

const compiled = new WeakMap<EnvoyFilter, readonly CompiledPatch[]>();

/** The patches of an object, read once for all proxies. */
export function compiledPatches(filter: EnvoyFilter): readonly CompiledPatch[] {
  let patches = compiled.get(filter);
  if (!patches) {
    patches = (filter.spec.configPatches ?? []).flatMap((each, i) => compile(filter, each, i) ?? []);
    compiled.set(filter, patches);
  }
  return patches;
}

function compile({ key }: EnvoyFilter, { applyTo, match = {}, patch }: EnvoyConfigPatch, index: number) {
  const { operation, value } = patch ?? {};
  if (!applyTo || applyTo === "INVALID" || !operation || operation === "INVALID") return undefined;
  let read: Message | undefined;
  let unreadable: Error | undefined;
  return {
    ...{ configKey: key, applyTo, operation, match, path: `spec.configPatches[${index}]` },
    value(): Message {
      if (unreadable) throw unreadable;
      try {
        read ??= messageOf(applyTo, value);
      } catch (error) {
        unreadable = error as Error;
        throw error;
      }
      return read;
    },
  };
}

function messageOf(applyTo: EnvoyFilterApplyTo, value: unknown): Message {
  const registry = envoyApi();
  const schema: DescMessage | undefined = registry.getMessage(ENVOY_FILTER_TYPES[applyTo] ?? "");
  if (!schema) throw new Error(`${applyTo} has no value`);
  return readEnvoyJson(schema, value ?? {}, registry);
}

/** Envoy's whole API, which whoever hands on EnvoyFilters has loaded before. */
export function envoyApi(): Registry {
  const registry = wholeApi();
  if (!registry) throw new Error("Envoy's API is not loaded");
  return registry;
}
