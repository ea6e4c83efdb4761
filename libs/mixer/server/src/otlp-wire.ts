/**
 * Field numbers of OpenTelemetry's log messages (opentelemetry-proto 1.x: collector/logs/v1/logs_service.proto, logs/v1/logs.proto,
 * common/v1/common.proto, resource/v1/resource.proto), as far as they are read.
 */
export const EXPORT_REQUEST = { resourceLogs: 1 } as const;
export const RESOURCE_LOGS = { resource: 1, scopeLogs: 2 } as const;
export const RESOURCE = { attributes: 1 } as const;
export const SCOPE_LOGS = { logRecords: 2 } as const;
export const LOG_RECORD = { timeUnixNano: 1, attributes: 6 } as const;
export const KEY_VALUE = { key: 1, value: 2 } as const;
export const ANY_VALUE = { stringValue: 1 } as const;
export const EXPORT_RESPONSE = { partialSuccess: 1 } as const;
export const PARTIAL_SUCCESS = { rejectedLogRecords: 1, errorMessage: 2 } as const;

/** A message's fields, for a view. */
export const fieldsOf = (numbers: Readonly<Record<string, number>>) => ({
  fields: Object.values(numbers).map((number) => ({ number })),
});
