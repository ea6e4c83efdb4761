import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import {
  type Config_RuleSchema,
  ConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata";
import { mixerHooks } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { mergedMetrics } from "../telemetry/merged-metrics.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";
import { MARK, METRICS, reportLog } from "./mixer-report-log.ts";

/**
 * Mixer's report: marks the requests to report, and copies the headers that rules read into dynamic metadata. Every listener has the
 * access log that sends reports, which ignores requests without the mark, so that rules change no listener.
 */
export const mixerReport: HttpFilter = {
  name: "mixer.report",
  phase: "telemetry",
  listener: () => discoveredFilter(mixerReport.name, [ConfigSchema.typeName]),
  accessLogs: (scope, { kind }) => [reportLog(scope, kind === "inbound" ? "inbound" : "outbound")],
  extensionConfig: (scope, name) =>
    name === mixerReport.name ? { name, message: reportConfig(scope), configKeys: [] } : undefined,
};

/** Metadata namespaces of the headers. Mixer's access log service reads them. */
const REQUEST_HEADERS = "mixer.request.headers";
const RESPONSE_HEADERS = "mixer.response.headers";
/** A valid header name (RFC 9110). Envoy would reject any other. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

type Rule = MessageInitShape<typeof Config_RuleSchema>;

const noted = (header: string, metadataNamespace: string, key = header, value = ""): Rule => ({
  header,
  onHeaderPresent: { metadataNamespace, key, value },
});

/** The filter's configuration; empty while no rule reports and no Telemetry asks for metrics. */
function reportConfig(scope: Scope): Any {
  const { mesh } = scope;
  const mixer = scope.read(mixerHooks);
  const metrics = (["CLIENT", "SERVER"] as const).flatMap((mode) => {
    const settings = mergedMetrics(scope, mode);
    return settings ? [noted(":method", METRICS, mode, settings.descriptor)] : [];
  });
  if ((!mixer.reports && metrics.length === 0) || mesh.disableReports) return anyOf(ConfigSchema, {});
  return anyOf(ConfigSchema, {
    requestRules: [
      // Every request has a method.
      noted(":method", MARK.namespace, MARK.key, MARK.value),
      ...metrics,
      ...mixer.requestHeaders.filter((name) => TOKEN.test(name)).map((name) => noted(name, REQUEST_HEADERS)),
    ],
    responseRules: mixer.responseHeaders
      .filter((name) => TOKEN.test(name))
      .map((name) => noted(name, RESPONSE_HEADERS)),
  });
}
