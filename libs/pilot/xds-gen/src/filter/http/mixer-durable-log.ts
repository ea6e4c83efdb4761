import { anyOf, durationOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { OpenTelemetryAccessLogConfigSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/open_telemetry/v3/logs_service";
import { REPORT_METRICS, reportEntryFormats, reportLabel } from "@xebec/model-mixer";
import type { Scope } from "../../scope/scope.ts";
import { mixerService } from "../mixer-service.ts";
import type { AccessLog } from "../telemetry/file-access-log.ts";
import type { MetricsSettings } from "../telemetry/merged-metrics.ts";

/** So long a proxy keeps what is not acknowledged. Envoy counts what it gives up then (`logs_dropped`). */
const KEPT_MS = 600_000;
/** More than fit into that time, which ends them. */
const RETRIES = 100_000;
/**
 * The longest wait between two attempts. Envoy also takes it for the time that an attempt may take: a shorter one makes a service that is
 * only slow get everything twice.
 */
const LONGEST_WAIT_MS = 5_000;
/**
 * A request is sent when its entries have so many bytes. Envoy keeps 64 KiB of one for its next attempt and gives a larger one up, so there must be
 * room for the entry that goes over it (about 1,500 bytes).
 */
const BUFFER_BYTES = 32_768;

/**
 * The access log that reports requests or connections until mixer-telemetry has acknowledged them (docs/adr/0023-durable-reports.md). Envoy's
 * other protocol, a stream, loses what is on its way when its server ends, and does not count it.
 */
export function durableLog(
  scope: Scope,
  of: "http" | "tcp",
  direction: "inbound" | "outbound",
  metrics: MetricsSettings | undefined,
): AccessLog {
  const attributes = [
    ...reportEntryFormats(of, direction),
    ...(of === "tcp" && metrics ? [[REPORT_METRICS, metrics.descriptor.replaceAll("%", "%%")] as const] : []),
    ...(metrics?.expressions ?? []).map((expression, i) => [reportLabel(i), `%CEL(${expression})%`] as const),
  ];
  const value = anyOf(OpenTelemetryAccessLogConfigSchema, {
    commonConfig: {
      logName: `xebec_${of}_${direction}`,
      transportApiVersion: ApiVersion.V3,
      grpcService: {
        targetSpecifier: {
          case: "envoyGrpc",
          value: { ...mixerService(scope, "istio-telemetry"), skipEnvoyHeaders: true },
        },
        timeout: durationOf(KEPT_MS),
        retryPolicy: {
          retryOn: "connect-failure,reset,unavailable,cancelled,refused-stream",
          numRetries: RETRIES,
          retryBackOff: { baseInterval: durationOf(25), maxInterval: durationOf(LONGEST_WAIT_MS) },
        },
      },
      bufferFlushInterval: durationOf(1000),
      bufferSizeBytes: BUFFER_BYTES,
    },
    // The built-in labels say whose log it is: the name of the log, and the proxy's node.
    attributes: {
      values: attributes.map(([key, text]) => ({
        key,
        value: { value: { case: "stringValue" as const, value: text } },
      })),
    },
  });
  return { name: "envoy.access_loggers.open_telemetry", configType: { case: "typedConfig", value } };
}
