import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { plainMap, plainValue, post, rfc3339, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { http } from "./info.ts";

type Reported = MetricInstance | LogEntryInstance | SpanInstance;
/** A record as it is written. */
interface Record {
  readonly type: "metric" | "logentry" | "tracespan";
  readonly name: string;
  readonly time: string;
  readonly [key: string]: unknown;
}

const TYPES = {
  NDJSON: "application/x-ndjson",
  JSON: "application/json",
  CLOUDEVENTS: "application/cloudevents-batch+json",
};

/** Makes the adapter. @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(http, (params, context): Handler => {
    const { url = "", method = "POST", format = "NDJSON", headers = {}, compression, batchSize = 1_000 } = params;
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    let sequence = 0;
    const source = `//xebec.io/handlers/${encodeURIComponent(context.handler)}`;
    const event = ({ type, name, time, ...data }: Record): object => ({
      ...{ specversion: "1.0", id: `${context.clock.now().toString(36)}-${process.pid}-${sequence++}`, source, time },
      ...{
        type: `io.xebec.mixer.${type}`,
        subject: name,
        datacontenttype: "application/json",
        data: { name, ...data },
      },
    });
    const body = (records: readonly Record[]): string => {
      if (format === "NDJSON") return records.map((each) => `${JSON.stringify(each)}\n`).join("");
      return JSON.stringify(format === "JSON" ? records : records.map(event));
    };
    const delivery = deliver<Record>({
      ...{ context, adapter: "http", maxRecords: batchSize },
      intervalMs: durationMs(params.flushInterval ?? "1s"),
      timeoutMs: durationMs(params.timeout ?? "10s"),
      async send(records, signal) {
        const own = { "content-type": TYPES[format] };
        await post(client, url, {
          ...{ method, signal, body: body(records), gzip: compression === "GZIP" },
          headers: { ...headers, ...own },
        });
      },
    });
    return {
      report: (instances, template) => {
        const now = new Date(context.clock.now()).toISOString();
        return delivery.add((instances as readonly Reported[]).flatMap((each) => recordOf(each, template, now) ?? []));
      },
      async close() {
        await delivery.close();
        client.close();
      },
    };
  });
}

/** @returns undefined for a span without ids */
function recordOf(instance: Reported, template: string, now: string): Record | undefined {
  if (template === "tracespan") {
    const span = spanOf(instance as SpanInstance);
    return span && { type: "tracespan", ...span, instance: instance.name, time: span.start };
  }
  const { name, monitoredResourceType, monitoredResourceDimensions } = instance as MetricInstance & LogEntryInstance;
  const resource = {
    ...(monitoredResourceType ? { monitoredResourceType } : {}),
    ...(monitoredResourceDimensions ? { monitoredResourceDimensions: plainMap(monitoredResourceDimensions) } : {}),
  };
  if (template === "metric") {
    const { value, types, dimensions } = instance as MetricInstance;
    const plain = value === undefined || !types.value ? null : plainValue(types.value, value);
    return { type: "metric", name, time: now, value: plain, dimensions: plainMap(dimensions), ...resource };
  }
  const { timestamp, severity, variables } = instance as LogEntryInstance;
  return {
    ...{ type: "logentry", name, time: timestamp ? rfc3339(timestamp) : now },
    ...(severity ? { severity } : {}),
    ...{ variables: plainMap(variables), ...resource },
  };
}
