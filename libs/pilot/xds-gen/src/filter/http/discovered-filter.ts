import { durationOf } from "@xebec/api-envoy";
import type { BuiltHttpFilter } from "../../build/built.ts";

/**
 * The entry of a filter whose configuration comes by extension config discovery (ECDS). A changed listener closes its long-lived
 * connections after the drain time; a changed filter configuration applies to the next request of every connection instead.
 * @param name the name of the configuration to request
 * @param types the full names of the types that the configuration may have
 */
export function discoveredFilter(name: string, ...types: readonly string[]): BuiltHttpFilter {
  return {
    name,
    message: {
      configType: {
        case: "configDiscovery",
        value: {
          configSource: {
            resourceApiVersion: 2,
            // The listener waits: without the filter, requests would bypass the rules.
            initialFetchTimeout: durationOf(0),
            configSourceSpecifier: { case: "ads", value: {} },
          },
          typeUrls: types.map((each) => `type.googleapis.com/${each}`),
        },
      },
    },
    configKeys: [],
  };
}
