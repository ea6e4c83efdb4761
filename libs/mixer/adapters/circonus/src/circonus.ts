import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  implementAdapter,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { post } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { binOf } from "./histogram.ts";
import { circonus } from "./info.ts";

/** The values of one metric, as an HTTPTrap takes them. */
interface Submission {
  readonly name: string;
  readonly _type: "L" | "n" | "h";
  readonly _value: number | readonly string[];
}

/** Makes the adapter (docs/reference/mixer.md §6.14). @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(circonus, (params, context): Handler => {
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    const types = new Map((params.metrics ?? []).map(({ name = "", type }) => [name, type]));
    const [counters, gauges] = [new Map<string, number>(), new Map<string, number>()];
    const bins = new Map<string, Map<string, number>>();
    const delivery = deliver<readonly Submission[]>({
      ...{ context, adapter: "circonus", intervalMs: 0 },
      // What was gathered at one time is one submission: a second value of a counter would replace the first one.
      maxRecords: 1,
      async send([submission], signal) {
        const body = Object.fromEntries((submission ?? []).map(({ name, ...value }) => [name, value]));
        await post(client, params.submissionUrl ?? "", { method: "PUT", body, signal });
      },
    });
    const record = ({ name, value, types: own }: MetricInstance): void => {
      switch (types.get(name)) {
        case "COUNTER":
          // By one, whatever the value: as in Istio.
          counters.set(name, (counters.get(name) ?? 0) + 1);
          return;
        case "GAUGE":
          gauges.set(name, Number(value));
          return;
        case "DISTRIBUTION": {
          if (own.value !== "DURATION") throw new Error(`${name}: ${String(value)} is not a duration`);
          const known = bins.get(name) ?? new Map<string, number>();
          bins.set(name, known);
          const bin = binOf(Number(value));
          known.set(bin, (known.get(bin) ?? 0) + 1);
          return;
        }
        default:
          throw new Error(`no info for metric named ${name}`);
      }
    };
    const flush = async (): Promise<void> => {
      const submission: Submission[] = [
        ...[...counters].map(([name, count]): Submission => ({ name, _type: "L", _value: count })),
        ...[...gauges].map(([name, last]): Submission => ({ name, _type: "n", _value: last })),
        ...[...bins].map(
          ([name, known]): Submission => ({
            ...{ name, _type: "h" },
            _value: [...known].map(([bin, count]) => `${bin}=${count}`),
          }),
        ),
      ];
      for (const each of [counters, gauges, bins]) each.clear();
      if (submission.length > 0) await delivery.add([submission]);
    };
    const stop = context.clock.every(durationMs(params.submissionInterval ?? "10s"), () => {
      flush().catch((error: unknown) =>
        context.log.warn({ err: error, handler: context.handler }, "metrics for Circonus were dropped"),
      );
    });
    return {
      report(instances) {
        for (const each of instances as readonly MetricInstance[]) record(each);
      },
      async close() {
        stop();
        await flush().catch((error: unknown) =>
          context.log.warn({ err: error, handler: context.handler }, "metrics for Circonus were dropped"),
        );
        await delivery.close();
        client.close();
      },
    };
  });
}
