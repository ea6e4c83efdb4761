import { randomUUID } from "node:crypto";
import {
  type Adapter,
  type AdapterHost,
  type Delivery,
  durationMs,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { type GoTemplate, isSampled, parseGoTemplate, post, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { attributesOf } from "./attributes.ts";
import { opentelemetry } from "./info.ts";
import { MetricTable } from "./metric-table.ts";
import { logRecord, spanRecord } from "./records.ts";

const SCOPE = { name: "xebec.io/mixer" };

/** Makes the adapter. @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(opentelemetry, (params, context): Handler => {
    const {
      headers = {},
      compression,
      resourceAttributes = {},
      metrics = {},
      logs = {},
      sampleProbability = 1,
    } = params;
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    const base = (params.endpoint ?? "").replace(/\/+$/, "");
    const timeoutMs = durationMs(params.timeout ?? "10s");
    const common = { "service.name": "mixer", ...resourceAttributes };
    const resource = { attributes: attributesOf(common) };
    // Counters of replicas are counters of their own.
    const own = { attributes: attributesOf({ "service.instance.id": randomUUID(), ...common }) };
    const send = async (path: string, body: object, signal: AbortSignal): Promise<void> => {
      await post(client, `${base}${path}`, { body, headers, gzip: compression === "GZIP", signal });
    };
    const points = deliver<object>({
      ...{ context, adapter: "opentelemetry", kind: "metric", intervalMs: 0, timeoutMs, maxRecords: 100 },
      send: (records, signal) => send("/v1/metrics", { resourceMetrics: records }, signal),
    });
    const entries = deliver<object>({
      ...{ context, adapter: "opentelemetry", kind: "logentry", timeoutMs },
      send: (logRecords, signal) =>
        send("/v1/logs", { resourceLogs: [{ resource, scopeLogs: [{ scope: SCOPE, logRecords }] }] }, signal),
    });
    const traces = deliver<object>({
      ...{ context, adapter: "opentelemetry", kind: "tracespan", timeoutMs },
      send: (spans, signal) =>
        send("/v1/traces", { resourceSpans: [{ resource, scopeSpans: [{ scope: SCOPE, spans }] }] }, signal),
    });
    const all: readonly Delivery<object>[] = [points, entries, traces];
    const table = new MetricTable(metrics, context.clock.now());
    const templates = new Map<string, GoTemplate>(
      Object.entries(logs).flatMap(([name, { payloadTemplate = "" }]) =>
        payloadTemplate === "" ? [] : [[name, parseGoTemplate(payloadTemplate)]],
      ),
    );
    const flush = async (): Promise<void> => {
      const found = table.metrics(context.clock.now());
      try {
        for (const each of found)
          await points.add([{ resource: own, scopeMetrics: [{ scope: SCOPE, metrics: [each] }] }]);
      } catch (error) {
        context.log.warn({ err: error, handler: context.handler }, "metrics for OpenTelemetry were dropped");
      }
    };
    const stop =
      Object.keys(metrics).length === 0
        ? () => undefined
        : context.clock.every(durationMs(params.pushInterval ?? "10s"), () => void flush());
    return {
      report(instances, template) {
        const now = context.clock.now();
        if (template === "metric") {
          for (const each of instances as readonly MetricInstance[]) table.add(each, now);
          return;
        }
        if (template === "logentry")
          return entries.add(
            (instances as readonly LogEntryInstance[]).map((each) => logRecord(each, templates.get(each.name), now)),
          );
        return traces.add(
          (instances as readonly SpanInstance[]).flatMap((each) => {
            const span = spanOf(each);
            return span && isSampled(span.traceId, sampleProbability) ? [spanRecord(span)] : [];
          }),
        );
      },
      async close() {
        stop();
        await flush();
        await Promise.all(all.map((each) => each.close()));
        client.close();
      },
    };
  });
}
