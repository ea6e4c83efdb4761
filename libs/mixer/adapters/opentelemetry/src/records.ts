import type { LogEntryInstance } from "@xebec/mixer-sdk";
import { epochNanos, type GoTemplate, type PlainValue, plainMap, type Span } from "@xebec/mixer-sinks";
import { attributesOf } from "./attributes.ts";
import { nanosOf } from "./metric-table.ts";

/** Istio's severities, and those of syslog, as OTLP numbers them. */
const SEVERITIES: Readonly<Record<string, number>> = {
  ...{ TRACE: 1, DEBUG: 5, INFO: 9, NOTICE: 10, WARN: 13, WARNING: 13, ERROR: 17, CRITICAL: 18, ALERT: 19 },
  ...{ EMERGENCY: 21, FATAL: 21 },
};

/** A log record in OTLP's JSON form. */
export function logRecord(instance: LogEntryInstance, template: GoTemplate | undefined, now: number): object {
  const { name, timestamp, severity = "", variables, monitoredResourceType, monitoredResourceDimensions } = instance;
  const values: Record<string, PlainValue> = { ...plainMap(variables), "mixer.instance": name };
  if (monitoredResourceType) values.monitored_resource_type = monitoredResourceType;
  for (const [key, value] of Object.entries(plainMap(monitoredResourceDimensions)))
    values[`monitored_resource_${key}`] = value;
  return {
    timeUnixNano: timestamp ? String(epochNanos(timestamp)) : nanosOf(now),
    observedTimeUnixNano: nanosOf(now),
    ...(severity === "" ? {} : { severityText: severity }),
    severityNumber: SEVERITIES[severity.toUpperCase()] ?? (severity === "" ? 0 : 9),
    body: { stringValue: template?.render(variables) ?? name },
    attributes: attributesOf(values),
  };
}

/** A span in OTLP's JSON form, which writes ids in hexadecimal digits. */
export function spanRecord(span: Span): object {
  const { traceId, spanId, parentSpanId = "", name, isClient, start, end, tags, status } = span;
  const [own, other] = isClient ? [span.source, span.destination] : [span.destination, span.source];
  return {
    ...{ traceId, spanId, parentSpanId, name, kind: isClient ? 3 : 2 },
    ...{ startTimeUnixNano: nanos(start), endTimeUnixNano: nanos(end) },
    attributes: attributesOf({
      ...tags,
      ...(status > 0 ? { "http.response.status_code": status } : {}),
      ...(span.requestBytes > 0 ? { "http.request.size": span.requestBytes } : {}),
      ...(span.responseBytes > 0 ? { "http.response.size": span.responseBytes } : {}),
      ...(own.name === "" ? {} : { "mixer.workload": own.name }),
      ...(other.name === "" ? {} : { "peer.service": other.name }),
      ...(other.ip === "" ? {} : { "network.peer.address": other.ip }),
    }),
    // An error for who called is any status of failure, for who answered only its own.
    status: status >= 500 || (isClient && status >= 400) ? { code: 2 } : {},
  };
}

function nanos(text: string): string {
  return String(BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000_000n + BigInt(text.slice(20, 29)));
}
