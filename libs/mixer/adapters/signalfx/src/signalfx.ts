import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  implementAdapter,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { isSampled, post, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { signalfx } from "./info.ts";
import { type Datapoint, SeriesTable } from "./series.ts";
import { signalfxSpan } from "./spans.ts";

const INGEST = "https://ingest.signalfx.com";

/** Makes the adapter (docs/reference/mixer.md §6.16). @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(signalfx, (params, context): Handler => {
    const { metrics = [], ingestUrl = "", accessToken = "", enableMetrics, enableTracing } = params;
    const { tracingBufferSize, tracingSampleProbability = 1 } = params;
    const base = (ingestUrl === "" ? INGEST : ingestUrl).replace(/\/+$/, "");
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    const headers = { "x-sf-token": accessToken };
    const types = new Map(metrics.map(({ name = "", type }) => [name, type]));
    const table = new SeriesTable();
    const points = deliver<Datapoint>({
      ...{ context, adapter: "signalfx", kind: "metric", intervalMs: 0 },
      async send(records, signal) {
        const body: Record<string, object[]> = {};
        for (const { kind, ...point } of records) {
          body[kind] ??= [];
          body[kind].push(point);
        }
        await post(client, `${base}/v2/datapoint`, { body, headers, signal });
      },
    });
    const spans = deliver<object>({
      ...{ context, adapter: "signalfx", kind: "tracespan", maxRecords: 500 },
      ...(tracingBufferSize === undefined ? {} : { capacity: tracingBufferSize }),
      async send(records, signal) {
        await post(client, `${base}/v1/trace`, { body: records, headers, signal });
      },
    });
    const flush = async (): Promise<void> => {
      try {
        await points.add(table.points(context.clock.now()));
      } catch (error) {
        context.log.warn({ err: error, handler: context.handler }, "data points for SignalFx were dropped");
      }
    };
    const seconds = Math.max(1, Math.round(durationMs(params.datapointInterval ?? "10s") / 1000));
    const stop = enableMetrics ? context.clock.every(seconds * 1000, () => void flush()) : () => undefined;
    return {
      report(instances, template) {
        if (template === "metric") {
          if (!enableMetrics) return;
          for (const each of instances as readonly MetricInstance[]) {
            const type = types.get(each.name);
            if (type === "COUNTER" || type === "HISTOGRAM") table.add(each, type, context.clock.now());
          }
          return;
        }
        if (!enableTracing) return;
        return spans.add(
          (instances as readonly SpanInstance[]).flatMap((each) => {
            const span = spanOf(each);
            return span && isSampled(span.traceId, tracingSampleProbability) ? [signalfxSpan(span)] : [];
          }),
        );
      },
      async close() {
        stop();
        await flush();
        await points.close();
        await spans.close();
        client.close();
      },
    };
  });
}
