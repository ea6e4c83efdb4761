import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { HttpFilterSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { BuiltExtensionConfig } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { CHECK_PREFIX, checkConfig } from "./policy-check.ts";
import { REPORT_FILTER, reportConfig } from "./report-filter.ts";

// HTTP filters whose configuration comes by extension config discovery (ECDS). A listener that changes cuts its long connections
// after the drain time; a filter's own configuration may come and go, and holds for the next request of every connection.

/** A filter of a listener that takes its configuration by this name. @param type the type's full name */
export function discoveredFilter(name: string, type: string): MessageInitShape<typeof HttpFilterSchema> {
  return {
    name,
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
  };
}

/** The configuration of a filter by its name; undefined for a name that is none. */
export function extensionConfig(scope: Scope, name: string): BuiltExtensionConfig | undefined {
  if (name === REPORT_FILTER) return { name, message: reportConfig(scope), configKeys: [] };
  if (!name.startsWith(CHECK_PREFIX)) return undefined;
  const { config, configKeys } = checkConfig(scope, name.slice(CHECK_PREFIX.length));
  return { name, message: config, configKeys };
}
