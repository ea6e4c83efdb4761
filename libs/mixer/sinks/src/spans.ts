import type { InstanceOf, templates } from "@xebec/mixer-sdk";
import { formatIp, type Timestamp } from "@xebec/mixer-sdk";
import { type PlainValue, plainMap, rfc3339 } from "./values.ts";

export type SpanInstance = InstanceOf<typeof templates.tracespan>;

/** A span that is ready to be written for a sink (docs/reference/mixer.md §6.18). */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly isClient: boolean;
  /** RFC 3339 with nanoseconds. */
  readonly start: string;
  readonly end: string;
  readonly tags: Readonly<Record<string, PlainValue>>;
  /** HTTP's status; 0 when there is none. */
  readonly status: number;
  readonly source: Peer;
  readonly destination: Peer;
  /** Bytes of the request and of the response. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface Peer {
  readonly name: string;
  /** Empty when it is not known. */
  readonly ip: string;
}

/** Makes the span id of a client from that of the server with which it shares one. */
const CLIENT_ID = 0x3f6a2ec3c810c2abn;
const MAX_NUMBER = 2 ** 53;

/**
 * Reads the instances of a trace.
 * @returns undefined for one whose ids are not those of B3: it is left out
 */
export function spanOf(instance: SpanInstance): Span | undefined {
  const { traceId: trace = "", spanId: id = "", parentSpanId: parent = "", clientSpan = false } = instance;
  const traceId = idOf(trace, 16, 32);
  const ownId = idOf(id, 16);
  if (traceId === undefined || ownId === undefined) return undefined;
  const { startTime = ZERO, endTime = startTime, rewriteClientSpanId = false } = instance;
  // Both sides of a call have one id in B3: the client's is made another one, and is the parent of the server's.
  const clientId = (BigInt(`0x${ownId}`) ^ CLIENT_ID).toString(16).padStart(16, "0");
  const spanId = rewriteClientSpanId && clientSpan ? clientId : ownId;
  const parentSpanId = rewriteClientSpanId && !clientSpan ? clientId : idOf(parent, 16);
  const tags = plainMap(instance.spanTags);
  return {
    ...{ traceId: traceId.padStart(32, "0"), spanId, name: instance.spanName ?? "", isClient: clientSpan },
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...{ start: rfc3339(startTime), end: rfc3339(endTime), tags },
    status: numberOf(instance.httpStatusCode),
    source: { name: instance.sourceName ?? "", ip: instance.sourceIp ? formatIp(instance.sourceIp) : "" },
    destination: {
      name: instance.destinationName ?? "",
      ip: instance.destinationIp ? formatIp(instance.destinationIp) : "",
    },
    requestBytes: numberOf(instance.requestTotalSize ?? instance.requestSize),
    responseBytes: numberOf(instance.responseTotalSize ?? instance.responseSize),
  };
}

/**
 * Whether a trace is among the share that is kept: all of its spans are, or none, in every replica.
 * @param traceId 32 hexadecimal digits
 * @param probability from 0 to 1
 */
export function isSampled(traceId: string, probability: number): boolean {
  if (probability >= 1) return true;
  if (probability <= 0) return false;
  return Number(BigInt(`0x${traceId.slice(16)}`) >> 11n) / MAX_NUMBER < probability;
}

const ZERO: Timestamp = { seconds: 0, nanos: 0 };

/** An id in lower case without surplus; undefined when it is none, or zero. */
function idOf(text: string, ...lengths: readonly number[]): string | undefined {
  return lengths.includes(text.length) && /^[\da-f]+$/i.test(text) && !/^0+$/.test(text)
    ? text.toLowerCase()
    : undefined;
}

function numberOf(value: number | bigint | undefined): number {
  return Number(value ?? 0);
}
