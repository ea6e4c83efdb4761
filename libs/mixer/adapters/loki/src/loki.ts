import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
} from "@xebec/mixer-sdk";
import { epochNanos, type GoTemplate, parseGoTemplate, plainMap, post, textMap } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import { loki } from "./info.ts";

interface Line {
  readonly labels: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970 UTC. */
  readonly time: string;
  readonly text: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Form {
  readonly labels: readonly string[];
  readonly metadata: readonly string[];
  readonly template: GoTemplate | undefined;
}

const NO_FORM: Form = { labels: [], metadata: [], template: undefined };

/** Makes the adapter. @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(loki, (params, context): Handler => {
    const { tenant = "", bearerToken = "", labels = {}, logs = {}, batchSize = 1_000 } = params;
    const client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
    const target = `${(params.url ?? "").replace(/\/+$/, "")}/loki/api/v1/push`;
    const forms = new Map<string, Form>(
      Object.entries(logs).map(([name, { labels: own = [], metadata = [], payloadTemplate = "" }]) => [
        name,
        { labels: own, metadata, template: payloadTemplate === "" ? undefined : parseGoTemplate(payloadTemplate) },
      ]),
    );
    const headers = {
      ...(tenant === "" ? {} : { "x-scope-orgid": tenant }),
      ...(bearerToken === "" ? {} : { authorization: `Bearer ${bearerToken}` }),
    };
    const delivery = deliver<Line>({
      ...{ context, adapter: "loki", maxRecords: batchSize },
      intervalMs: durationMs(params.flushInterval ?? "1s"),
      timeoutMs: durationMs(params.timeout ?? "10s"),
      async send(lines, signal) {
        await post(client, target, { signal, headers, gzip: true, body: { streams: streamsOf(lines) } });
      },
    });
    return {
      report: (instances) =>
        delivery.add(
          (instances as readonly LogEntryInstance[]).map((each) =>
            lineOf(each, labels, forms.get(each.name) ?? NO_FORM, context.clock.now()),
          ),
        ),
      async close() {
        await delivery.close();
        client.close();
      },
    };
  });
}

function lineOf(
  { name, timestamp, severity = "", variables }: LogEntryInstance,
  common: Readonly<Record<string, string>>,
  form: Form,
  now: number,
): Line {
  const texts = textMap(variables);
  const pick = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((each) => [each.replace(/\W/g, "_").replace(/^(?=\d)/, "_"), texts[each] ?? ""]));
  const rest = (): string => {
    const plain = plainMap(variables);
    for (const each of [...form.labels, ...form.metadata]) delete plain[each];
    return JSON.stringify(plain);
  };
  return {
    labels: {
      ...common,
      instance: name,
      ...(severity === "" ? {} : { level: severity.toLowerCase() }),
      ...pick(form.labels),
    },
    time: String(timestamp ? epochNanos(timestamp) : BigInt(now) * 1_000_000n),
    text: form.template ? form.template.render(variables) : rest(),
    ...(form.metadata.length > 0 ? { metadata: pick(form.metadata) } : {}),
  };
}

function streamsOf(lines: readonly Line[]): object[] {
  const streams = new Map<string, { stream: object; values: unknown[] }>();
  for (const { labels, time, text, metadata } of lines) {
    const key = JSON.stringify(labels);
    const stream = streams.get(key) ?? { stream: labels, values: [] };
    streams.set(key, stream);
    stream.values.push(metadata ? [time, text, metadata] : [time, text]);
  }
  return [...streams.values()];
}
