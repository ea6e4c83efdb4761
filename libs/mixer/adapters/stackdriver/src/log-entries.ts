import { randomUUID } from "node:crypto";
import type { AttributeValue, LogEntryInstance, ValueMap, ValueType } from "@xebec/mixer-sdk";
import { type GoTemplate, rfc3339, textMap } from "@xebec/mixer-sinks";
import type { StackdriverParams } from "./info.ts";
import { resourceOf } from "./resource.ts";

export type LogInfo = NonNullable<StackdriverParams["logInfo"]>[string];

const SEVERITIES: ReadonlySet<string> = new Set([
  ...["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"],
]);

/** An entry as Cloud Logging takes it. Its id makes of one that came twice one. */
export function entryOf(
  instance: LogEntryInstance,
  { labelNames = [], httpMapping }: LogInfo,
  template: GoTemplate | undefined,
  project: string,
  now: number,
): object {
  const { name, timestamp, severity = "", variables } = instance;
  const texts = textMap(variables);
  const upper = severity.toUpperCase();
  return {
    logName: `projects/${project}/logs/${encodeURIComponent(name)}`,
    resource: resourceOf(instance, project),
    timestamp: timestamp ? rfc3339(timestamp) : new Date(now).toISOString(),
    severity: SEVERITIES.has(upper) ? upper : "DEFAULT",
    insertId: randomUUID(),
    labels: Object.fromEntries(labelNames.flatMap((each) => (texts[each] === undefined ? [] : [[each, texts[each]]]))),
    textPayload: template?.render(variables) ?? "",
    ...(httpMapping ? { httpRequest: httpRequestOf(httpMapping, variables) } : {}),
  };
}

function httpRequestOf(mapping: NonNullable<LogInfo["httpMapping"]>, variables: ValueMap | undefined): object {
  const texts = textMap(variables);
  const text = (name: string | undefined): string => texts[name ?? ""] ?? "";
  const at = variables?.names.indexOf(mapping.latency ?? "") ?? -1;
  const [type, value] = [variables?.types[at] as ValueType | undefined, variables?.values[at] as AttributeValue];
  const all: Record<string, string | number> = {
    ...{
      requestMethod: text(mapping.method),
      requestUrl: text(mapping.url),
      status: Number(text(mapping.status)) || "",
    },
    ...{ requestSize: text(mapping.requestSize), responseSize: text(mapping.responseSize) },
    ...{ serverIp: text(mapping.localIp), remoteIp: text(mapping.remoteIp) },
    ...{ userAgent: text(mapping.userAgent), referer: text(mapping.referer) },
    latency: type === "DURATION" ? `${(Number(value) / 1e9).toFixed(9)}s` : "",
  };
  return Object.fromEntries(Object.entries(all).filter(([, each]) => each !== ""));
}
