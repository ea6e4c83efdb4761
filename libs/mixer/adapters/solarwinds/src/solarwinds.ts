import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { type GoTemplate, parseGoTemplate, post, rfc3339, textMap } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { PAPERTRAIL, solarwinds } from "./info.ts";
import { Papertrail, type PapertrailLine } from "./papertrail.ts";

const APPOPTICS = "https://api.appoptics.com/v1/measurements";
const PERIOD_MS = 500;
const RETENTION_MS = 3_600_000;
/** An access log, as Istio has it. */
const DEFAULT_LINE = [
  '{{or (.originIp) "-"}} - {{or (.sourceUser) "-"}} [{{or (.timestamp.Format "2006-01-02T15:04:05Z07:00") "-"}}]',
  '"{{or (.method) "-"}} {{or (.url) "-"}} {{or (.protocol) "-"}}" {{or (.responseCode) "-"}} {{or (.responseSize) "-"}}',
].join(" ");

interface Measurement {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Seconds since 1970 UTC. */
  readonly time: number;
  readonly value: number;
}

/**
 * Makes the adapter (docs/reference/mixer.md §6.15).
 * @param host its limits say which addresses may be called
 * @param endpoints where AppOptics and Papertrail are; a test gives its own
 */
export function createAdapter(
  { limits, deliver }: Pick<AdapterHost, "limits" | "deliver">,
  endpoints: {
    readonly appoptics?: string;
    readonly papertrail?: { readonly host: string; readonly port: number };
  } = {},
): Adapter {
  return implementAdapter(solarwinds, async (params, context): Promise<Handler> => {
    const { appopticsAccessToken = "", papertrailUrl = "", metrics = {}, logs = {} } = params;
    const refusal = (address: string): string | undefined => limits.addressRefusal(address);
    const client = new GuardedClient({ refusal });
    const authorization = `Basic ${Buffer.from(`token:${appopticsAccessToken}`).toString("base64")}`;
    const measurements = deliver<Measurement>({
      ...{ context, adapter: "solarwinds", kind: "metric", intervalMs: PERIOD_MS },
      maxRecords: params.appopticsBatchSize || 1_000,
      async send(records, signal) {
        await post(client, endpoints.appoptics ?? APPOPTICS, {
          ...{ signal, headers: { authorization }, body: { measurements: records } },
        });
      },
    });
    const [, host = "", port] = PAPERTRAIL.exec(papertrailUrl) ?? [];
    const papertrail =
      papertrailUrl === "" ? undefined : new Papertrail(endpoints.papertrail ?? { host, port: Number(port) }, refusal);
    await papertrail?.start();
    const lines = deliver<PapertrailLine>({
      ...{ context, adapter: "solarwinds", kind: "logentry", intervalMs: PERIOD_MS },
      maxAgeMs: durationMs(params.papertrailLocalRetentionDuration ?? "0s") || RETENTION_MS,
      send: async (records) => await papertrail?.send(records),
    });
    const templates = new Map<string, GoTemplate>(
      Object.entries(logs).map(([name, { payloadTemplate = "" }]) => [
        name,
        parseGoTemplate(payloadTemplate === "" ? DEFAULT_LINE : payloadTemplate),
      ]),
    );
    const measured = (all: readonly MetricInstance[]): void | Promise<void> => {
      if (appopticsAccessToken === "") return;
      const time = Math.floor(context.clock.now() / 1000);
      return measurements.add(
        all.flatMap((each) => {
          const info = metrics[each.name];
          return info ? [measurementOf(each, info.labelNames ?? [], time)] : [];
        }),
      );
    };
    const logged = (all: readonly LogEntryInstance[]): void | Promise<void> => {
      if (!papertrail) return;
      return lines.add(
        all.flatMap((each) => {
          const template = templates.get(each.name);
          if (!template) return [];
          const time = each.timestamp ? rfc3339(each.timestamp) : new Date(context.clock.now()).toISOString();
          return [{ time: time.replace(/\d{3}Z$/, "Z"), text: template.render(withTimestamp(each)) }];
        }),
      );
    };
    return {
      report: (instances, template) =>
        template === "metric"
          ? measured(instances as readonly MetricInstance[])
          : logged(instances as readonly LogEntryInstance[]),
      async close() {
        await measurements.close();
        await lines.close();
        await papertrail?.close();
        client.close();
      },
    };
  });
}

/** The entry's own time is `timestamp`, unless a variable is. */
function withTimestamp({ timestamp, variables }: LogEntryInstance): LogEntryInstance["variables"] {
  if (!timestamp || variables?.names.includes("timestamp")) return variables;
  return {
    names: [...(variables?.names ?? []), "timestamp"],
    types: [...(variables?.types ?? []), "TIMESTAMP"],
    values: [...(variables?.values ?? []), timestamp],
  };
}

/** Durations are in seconds. @throws Error for a value that is no number */
function measurementOf(
  { name, value, types, dimensions }: MetricInstance,
  labels: readonly string[],
  time: number,
): Measurement {
  const number = types.value === "DURATION" ? Number(value) / 1e9 : Number(value);
  if (value === undefined || typeof value === "object" || !Number.isFinite(number))
    throw new Error(`${name}: ${String(value)} is not a number`);
  const texts = textMap(dimensions);
  return { name, tags: Object.fromEntries(labels.map((each) => [each, texts[each] ?? ""])), time, value: number };
}
