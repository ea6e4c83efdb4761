import type { PlainValue, Span } from "@xebec/mixer-sinks";

/** A span as Cloud Trace takes it. */
export function traceSpan(span: Span, project: string): object {
  const { traceId, spanId, parentSpanId, isClient, start, end, status } = span;
  const attributes: Record<string, PlainValue> = {
    ...span.tags,
    ...(status > 0 ? { "http.status_code": status } : {}),
  };
  const [requestType, responseType] = isClient ? ["SENT", "RECEIVED"] : ["RECEIVED", "SENT"];
  const event = (time: string, type: string | undefined, id: string, bytes: number): object => ({
    ...{ time, messageEvent: { type, id, uncompressedSizeBytes: String(bytes) } },
  });
  return {
    name: `projects/${project}/traces/${traceId}/spans/${spanId}`,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    displayName: { value: span.name.slice(0, 128) },
    ...{ startTime: start, endTime: end, spanKind: isClient ? "CLIENT" : "SERVER" },
    attributes: {
      attributeMap: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeValue(value)])),
    },
    timeEvents: {
      timeEvent: [event(start, requestType, "0", span.requestBytes), event(end, responseType, "1", span.responseBytes)],
    },
    ...(status > 0 ? { status: { code: codeOf(status) } } : {}),
  };
}

function attributeValue(value: PlainValue): object {
  if (typeof value === "number" && Number.isInteger(value)) return { intValue: String(value) };
  if (typeof value === "boolean") return { boolValue: value };
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return { stringValue: { value: text.slice(0, 256) } };
}

/** The code of google.rpc for a status of HTTP. */
function codeOf(status: number): number {
  const known: Readonly<Record<number, number>> = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 10,
    429: 8,
    499: 1,
    501: 12,
    503: 14,
    504: 4,
  };
  if (status < 400) return 0;
  return known[status] ?? (status < 500 ? 9 : 13);
}
