import { durationOf } from "@xebec/api-envoy";
import type { BuiltHttpFilter } from "../../build/built.ts";

/**
 * The entry of a filter whose configuration comes by extension config discovery (ECDS). A changed listener closes its long-lived
 * connections after the drain time; a changed filter configuration applies to the next request of every connection instead.
 * @param name the name of the configuration to request
 * @param type the full name of the configuration's type
 */
export function discoveredFilter(name: string, type: string): BuiltHttpFilter {
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
          typeUrls: [`type.googleapis.com/${type}`],
        },
      },
    },
    configKeys: [],
  };
}
