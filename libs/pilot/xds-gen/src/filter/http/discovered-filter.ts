import { durationOf } from "@xebec/api-envoy";
import type { BuiltHttpFilter } from "../../build/built.ts";

/**
 * The entry of a filter that takes its configuration by extension config discovery (ECDS). A listener that changes cuts its long
 * connections after the drain time; a filter's own configuration may come and go, and holds for the next request of every
 * connection.
 * @param name the name by which it asks for its configuration
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
            // The listener waits: without the filter a request would pass that a rule is for.
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
