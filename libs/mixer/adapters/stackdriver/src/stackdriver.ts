import {
  type Adapter,
  type AdapterHost,
  type Delivery,
  durationMs,
  type Handler,
  type HandlerContext,
  type HandlerLimits,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { type GoTemplate, isSampled, parseGoTemplate, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { Google } from "./google.ts";
import { type Assertion, assertBatch, type EdgeInstance, Graph } from "./graph.ts";
import { type StackdriverParams, stackdriver } from "./info.ts";
import { entryOf } from "./log-entries.ts";
import { ensureSinks } from "./log-sinks.ts";
import { traceSpan } from "./spans.ts";
import { type Series, SeriesMerger } from "./time-series.ts";

const PUSH_MS = 60_000;
/** Google's limit of one call. */
const MAX_SERIES = 200;
const GRAPH_MS = 30_000;
const SINKS_MS = 20_000;

/** Makes the adapter (docs/reference/mixer.md §6.20). @param host its limits say which addresses may be called */
export function createAdapter(host: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(stackdriver, (params, context) => new StackdriverHandler(params, context, host));
}

class StackdriverHandler implements Handler {
  readonly #params: StackdriverParams;
  readonly #context: HandlerContext;
  readonly #google: Google;
  readonly #merger: SeriesMerger;
  readonly #templates: ReadonlyMap<string, GoTemplate>;
  readonly #series: Delivery<Series>;
  readonly #entries: Delivery<object>;
  readonly #spans: Delivery<object>;
  readonly #assertions: Delivery<Assertion>;
  #project = "";
  #graph: Graph | undefined;
  #stop: () => void = () => undefined;

  constructor(
    params: StackdriverParams,
    context: HandlerContext,
    { limits, deliver }: { readonly limits: HandlerLimits; readonly deliver: AdapterHost["deliver"] },
  ) {
    this.#params = params;
    this.#context = context;
    const google = new Google(params, limits);
    this.#google = google;
    this.#merger = new SeriesMerger(params.metricInfo ?? {}, context.clock.now());
    this.#templates = new Map(
      Object.entries(params.logInfo ?? {}).flatMap(([name, { payloadTemplate = "" }]) =>
        payloadTemplate === "" ? [] : [[name, parseGoTemplate(payloadTemplate)]],
      ),
    );
    const common = { context, adapter: "stackdriver" };
    const of = (path: string): string => `projects/${this.#project}/${path}`;
    this.#series = deliver<Series>({
      ...{ ...common, kind: "metric", maxRecords: MAX_SERIES, intervalMs: 0 },
      send: async (timeSeries, signal) => {
        await google.call("monitoring", `v3/${of("timeSeries")}`, { timeSeries }, signal);
      },
    });
    this.#entries = deliver<object>({
      ...{ ...common, kind: "logentry" },
      send: async (entries, signal) => {
        await google.call("logging", "v2/entries:write", { entries, partialSuccess: true }, signal);
      },
    });
    this.#spans = deliver<object>({
      ...{ ...common, kind: "tracespan" },
      send: async (spans, signal) => {
        await google.call("cloudtrace", `v2/${of("traces:batchWrite")}`, { spans }, signal);
      },
    });
    this.#assertions = deliver<Assertion>({
      ...{ ...common, kind: "edge", intervalMs: GRAPH_MS, maxBytes: 550 << 10 },
      send: async (assertions, signal) => {
        const body = assertBatch(assertions, context.clock.now());
        await google.call("contextgraph", `v1alpha1/projects/${this.#project}:assertBatch`, body, signal);
      },
    });
  }

  /** @throws Error without a project, or when a sink of log entries is refused */
  async start(): Promise<void> {
    const { pushInterval = "0s", logInfo = {} } = this.#params;
    this.#project = await this.#google.project();
    this.#graph = new Graph(this.#project);
    await ensureSinks(this.#google, logInfo, AbortSignal.timeout(SINKS_MS));
    this.#stop = this.#context.clock.every(durationMs(pushInterval) || PUSH_MS, () => void this.#push());
  }

  report(instances: readonly object[], template: string): void | Promise<void> {
    const now = this.#context.clock.now();
    switch (template) {
      case "metric":
        for (const each of instances as readonly MetricInstance[]) this.#merger.add(each, this.#project);
        if (this.#merger.isFull) return this.#push();
        return;
      case "logentry":
        return this.#entries.add(
          (instances as readonly LogEntryInstance[]).flatMap((each) => {
            const info = this.#params.logInfo?.[each.name];
            return info ? [entryOf(each, info, this.#templates.get(each.name), this.#project, now)] : [];
          }),
        );
      case "tracespan": {
        const share = this.#params.trace?.sampleProbability ?? 0;
        return this.#spans.add(
          (instances as readonly SpanInstance[]).flatMap((each) => {
            const span = spanOf(each);
            return span && isSampled(span.traceId, share) ? [traceSpan(span, this.#project)] : [];
          }),
        );
      }
      default:
        return this.#assertions.add(this.#graph?.assertions(instances as readonly EdgeInstance[], now) ?? []);
    }
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#push();
    for (const each of [this.#series, this.#entries, this.#spans, this.#assertions]) await each.close();
    this.#google.close();
  }

  async #push(): Promise<void> {
    try {
      await this.#series.add(this.#merger.take(this.#context.clock.now()));
    } catch (error) {
      this.#context.log.warn({ err: error, handler: this.#context.handler }, "metrics for Stackdriver were dropped");
    }
  }
}
