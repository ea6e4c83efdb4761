import { isIPv6 } from "node:net";
import type { Peer, Span } from "@xebec/mixer-sinks";

/** A span as SignalFx takes it, which is much as Zipkin's version 2. A query in the name becomes tags; maps become a tag for each key. */
export function signalfxSpan(span: Span): object {
  const { traceId, spanId, parentSpanId, isClient, start, end, status } = span;
  const [path = "", query = ""] = span.name.split(/\?(.*)/s);
  const tags: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(query)) tags[key] = value;
  for (const [key, value] of Object.entries(span.tags)) {
    if (typeof value === "object") for (const [inner, text] of Object.entries(value)) tags[`${key}.${inner}`] = text;
    else tags[key] = String(value);
  }
  if (status > 0) tags.httpStatusCode = String(status);
  if (status >= 500) tags.error = "server error";
  const [local, remote] = isClient ? [span.source, span.destination] : [span.destination, span.source];
  const [from, to] = [micros(start), micros(end)];
  return {
    ...{ traceId, id: spanId, ...(parentSpanId === undefined ? {} : { parentId: parentSpanId }) },
    ...{ name: path, kind: isClient ? "CLIENT" : "SERVER", timestamp: from, duration: to - from, tags },
    ...{ localEndpoint: endpoint(local), remoteEndpoint: endpoint(remote) },
  };
}

function endpoint({ name, ip }: Peer): object {
  return {
    ...(name === "" ? {} : { serviceName: name }),
    ...(ip === "" ? {} : isIPv6(ip) ? { ipv6: ip } : { ipv4: ip }),
  };
}

/** Microseconds since 1970 UTC. */
function micros(text: string): number {
  return Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(text.slice(20, 26));
}
