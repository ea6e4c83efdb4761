import { randomUUID } from "node:crypto";
import {
  type Adapter,
  type AdapterHost,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
  type ValueMap,
} from "@xebec/mixer-sdk";
import { parseGoTemplate, plainMap, plainValue, rfc3339, type SpanInstance, spanOf } from "@xebec/mixer-sinks";
import { type Message, NatsSink } from "./connection.ts";
import { nats } from "./info.ts";

type Reported = MetricInstance | LogEntryInstance | SpanInstance;

/** Makes the adapter. @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(nats, (params, context): Handler => {
    const sink = new NatsSink(params, limits);
    const subject = parseGoTemplate(params.subject ?? "");
    const delivery = deliver<Message>({
      ...{ context, adapter: "nats", intervalMs: 100, maxRecords: 500 },
      send: (messages) => sink.send(messages),
    });
    return {
      report: (instances, template) => {
        const now = new Date(context.clock.now()).toISOString();
        return delivery.add(
          (instances as readonly Reported[]).flatMap((each) => {
            const data = dataOf(each, template, now);
            return data === undefined
              ? []
              : [
                  {
                    subject: subjectOf(subject.render(namesOf(each, template))),
                    data: JSON.stringify(data),
                    id: randomUUID(),
                  },
                ];
          }),
        );
      },
      async close() {
        await delivery.close();
        await sink.close();
      },
    };
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const NOT_IN_WORDS = /[\s*>\u0000-\u001f\u007f]/g;

/** What a value from a request brings along must not reach another subject. */
function subjectOf(text: string): string {
  const words = text.split(".").map((each) => each.replace(NOT_IN_WORDS, "_"));
  return words
    .map((each) => (each === "" ? "_" : each))
    .join(".")
    .slice(0, 500);
}

function namesOf(instance: Reported, template: string): ValueMap {
  const { dimensions, variables, spanTags } = instance as MetricInstance & LogEntryInstance & SpanInstance;
  const own = dimensions ?? variables ?? spanTags ?? { names: [], types: [], values: [] };
  return {
    names: [...own.names, "template", "instance"],
    types: [...own.types, "STRING", "STRING"],
    // A value's dots would be words of the subject.
    values: [
      ...own.values.map((each) => (typeof each === "string" ? each.replaceAll(".", "_") : each)),
      template,
      instance.name,
    ],
  };
}

/** @returns undefined for a span without ids */
function dataOf(instance: Reported, template: string, now: string): object | undefined {
  const { name } = instance;
  if (template === "tracespan") {
    const span = spanOf(instance as SpanInstance);
    return span && { instance: name, ...span };
  }
  if (template === "metric") {
    const { value, types, dimensions } = instance as MetricInstance;
    const plain = value === undefined || !types.value ? null : plainValue(types.value, value);
    return { instance: name, time: now, value: plain, dimensions: plainMap(dimensions) };
  }
  const { timestamp, severity, variables } = instance as LogEntryInstance;
  const time = timestamp ? rfc3339(timestamp) : now;
  return { instance: name, time, ...(severity ? { severity } : {}), variables: plainMap(variables) };
}
