import type { BuiltHttpFilter } from "../../build/built.ts";
import { discoverySource } from "../discovery-source.ts";

/**
 * The entry of a filter whose configuration comes by extension config discovery (ECDS). A changed listener closes its long-lived
 * connections after the drain time; a changed filter configuration applies to the next request of every connection instead.
 * @param name the name of the configuration to request
 * @param types the full names of the types that the configuration may have
 * @param byAgent the agent has it, instead of pilot
 */
export function discoveredFilter(name: string, types: readonly string[], byAgent = false): BuiltHttpFilter {
  return {
    name,
    message: { configType: { case: "configDiscovery", value: discoverySource(types, byAgent) } },
    configKeys: [],
  };
}
