import {
  type Adapter,
  type AdapterHost,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
  RejectedError,
} from "@xebec/mixer-sdk";
import { epochMs, type GoTemplate, parseGoTemplate, textMap } from "@xebec/mixer-sinks";
import { type CloudWatchClients, createClients, type InputLogEvent, type MetricDatum } from "./clients.ts";
import { cloudwatch, TIME_UNITS } from "./info.ts";

/** Istio's limits of one call. */
const MAX_DATA = 20;
const MAX_EVENTS = 10_000;
/** Errors that do not pass when the same is sent again. */
const REJECTED =
  /^(?:InvalidParameter(?:Value|Combination)?(?:Exception)?|MissingRequiredParameter(?:Exception)?|ValidationError)$/;

type Datum = Omit<MetricDatum, "Timestamp"> & { readonly Timestamp: number };

/**
 * Makes the adapter (docs/reference/mixer.md §6.19).
 * @param host its limits say which addresses may be called
 * @param endpoint of CloudWatch's services; a test gives its own
 */
export function createAdapter(
  { limits, deliver }: Pick<AdapterHost, "limits" | "deliver">,
  endpoint?: string,
): Adapter {
  return implementAdapter(cloudwatch, (params, context): Handler => {
    const { namespace = "", metricInfo = {}, logGroupName = "", logStreamName = "", logs = {} } = params;
    let clients: Promise<CloudWatchClients> | undefined;
    const sent = async (work: (clients: CloudWatchClients) => Promise<void>): Promise<void> => {
      clients ??= createClients(limits, endpoint);
      try {
        await work(await clients);
      } catch (error) {
        const { name, message } = error as Error;
        if (REJECTED.test(name)) throw new RejectedError(`${name}: ${message}`);
        throw error;
      }
    };
    const data = deliver<Datum>({
      ...{ context, adapter: "cloudwatch", kind: "metric", maxRecords: MAX_DATA },
      send: (records, signal) =>
        sent((to) =>
          to.putMetrics(
            {
              Namespace: namespace,
              MetricData: records.map(({ Timestamp, ...each }) => ({ ...each, Timestamp: new Date(Timestamp) })),
            },
            signal,
          ),
        ),
    });
    const events = deliver<InputLogEvent>({
      ...{ context, adapter: "cloudwatch", kind: "logentry", maxRecords: MAX_EVENTS },
      send: (records, signal) =>
        sent((to) => {
          // They have to be in the order of their times.
          const sorted = [...records].sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
          return to.putLogs(logGroupName, logStreamName, sorted, signal);
        }),
    });
    const templates = new Map<string, GoTemplate>(
      Object.entries(logs).map(([name, { payloadTemplate = "" }]) => [
        name,
        parseGoTemplate(payloadTemplate, { escapeHtml: true }),
      ]),
    );
    return {
      report(instances, template) {
        if (template === "metric")
          return data.add(
            (instances as readonly MetricInstance[]).map((each) =>
              datumOf(each, metricInfo[each.name]?.unit ?? "None", context.clock.now()),
            ),
          );
        return events.add(
          (instances as readonly LogEntryInstance[]).flatMap(({ name, timestamp, variables }) => {
            const message = templates.get(name)?.render(variables) ?? "";
            return message === "" ? [] : [{ message, timestamp: timestamp ? epochMs(timestamp) : context.clock.now() }];
          }),
        );
      },
      async close() {
        await data.close();
        await events.close();
        await clients?.then((each) => each.close());
      },
    };
  });
}

/** @throws Error for a value that is no number */
function datumOf({ name, value, types, dimensions }: MetricInstance, unit: string, now: number): Datum {
  const perUnit = types.value === "DURATION" ? TIME_UNITS[unit] : undefined;
  const number = perUnit === undefined ? Number(value) : Math.trunc(Number(value) / perUnit);
  if (value === undefined || value === "" || !Number.isFinite(number))
    throw new Error(`${name}: ${String(value)} is not a number`);
  return {
    ...{ MetricName: name, Value: number, Timestamp: now, Unit: unit.replace("_", "/") as MetricDatum["Unit"] },
    // CloudWatch takes no dimension without a value.
    Dimensions: Object.entries(textMap(dimensions)).flatMap(([Name, Value]) => (Value === "" ? [] : [{ Name, Value }])),
  };
}
