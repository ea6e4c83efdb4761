import { isIPv6 } from "node:net";
import { type Adapter, type AdapterHost, type Handler, implementAdapter } from "@xebec/mixer-sdk";
import { isSampled, type Peer, post, type Span, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { zipkin } from "./info.ts";

/** Makes the adapter (docs/reference/mixer.md §6.18). @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(zipkin, ({ url = "", sampleProbability = 0 }, context): Handler => {
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    const delivery = deliver<object>({
      ...{ context, adapter: "zipkin", maxRecords: 500 },
      async send(spans, signal) {
        await post(client, url, { body: spans, signal });
      },
    });
    return {
      report: (instances) =>
        delivery.add(
          (instances as readonly SpanInstance[]).flatMap((each) => {
            const span = spanOf(each);
            return span && isSampled(span.traceId, sampleProbability) ? [zipkinSpan(span)] : [];
          }),
        ),
      async close() {
        await delivery.close();
        client.close();
      },
    };
  });
}

/** A span in Zipkin's form, version 2. */
export function zipkinSpan(span: Span): object {
  const { traceId, spanId, parentSpanId, name, isClient, start, end, status, requestBytes, responseBytes } = span;
  const [from, to] = [micros(start), micros(end)];
  const [own, other] = isClient ? [span.source, span.destination] : [span.destination, span.source];
  const tags = Object.fromEntries(
    Object.entries(span.tags).map(([key, value]) => [
      key,
      typeof value === "object" ? JSON.stringify(value) : String(value),
    ]),
  );
  const sent = (bytes: number, isSent: boolean): string => `${isSent ? "Sent" : "Received"} ${bytes} bytes`;
  return {
    ...{ traceId, id: spanId, ...(parentSpanId === undefined ? {} : { parentId: parentSpanId }) },
    ...{ name, kind: isClient ? "CLIENT" : "SERVER", timestamp: from, duration: Math.max(1, to - from) },
    localEndpoint: endpoint(own, true),
    ...(other.name === "" && other.ip === "" ? {} : { remoteEndpoint: endpoint(other, false) }),
    annotations: [
      { timestamp: from, value: sent(requestBytes, isClient) },
      { timestamp: to, value: sent(responseBytes, !isClient) },
    ],
    tags: {
      ...tags,
      ...(status > 0 ? { "http.status_code": String(status) } : {}),
      ...(status >= 500 ? { error: String(status) } : {}),
    },
  };
}

function endpoint({ name, ip }: Peer, isLocal: boolean): object {
  const serviceName = name === "" && isLocal ? "default" : name;
  return {
    ...(serviceName === "" ? {} : { serviceName }),
    ...(ip === "" ? {} : isIPv6(ip) ? { ipv6: ip } : { ipv4: ip }),
  };
}

/** Microseconds since 1970 UTC of an RFC 3339 text with nanoseconds. */
function micros(text: string): number {
  return Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(text.slice(20, 26));
}
