import {
  type Adapter,
  type AdapterHost,
  type AttributeValue,
  durationMs,
  type Handler,
  implementAdapter,
  type LogEntryInstance,
  renderValue,
  type ValueType,
} from "@xebec/mixer-sdk";
import { hostAndPort, plainValue } from "@xebec/mixer-sinks";
import { guardedConnect } from "@xebec/platform-http/guarded";
import { type Entry, ForwardClient } from "./forward.ts";
import { fluentd } from "./info.ts";

/** Istio's defaults for parameters that are zero. */
const BUFFER = 1024;
const BATCH_BYTES = 8 << 20;
const PERIOD_MS = 60_000;
const CONNECT_MS = 10_000;

/** Makes the adapter (docs/reference/mixer.md §6.11). @param host its limits say which addresses may be called */
export function createAdapter({ limits, deliver }: Pick<AdapterHost, "limits" | "deliver">): Adapter {
  return implementAdapter(fluentd, (params, context): Handler => {
    const { address = "", integerDuration = false, requireAck = true } = params;
    const { host, port } = hostAndPort(address) ?? { host: "", port: 0 };
    const client = new ForwardClient(
      (signal) =>
        guardedConnect({
          ...{ host, port, signal, timeoutMs: CONNECT_MS },
          policy: { refusal: (each) => limits.addressRefusal(each) },
        }),
      requireAck,
    );
    const delivery = deliver<Entry>({
      ...{ context, adapter: "fluentd", maxRecords: Number.MAX_SAFE_INTEGER },
      capacity: Number(params.instanceBufferSize ?? 0) || BUFFER,
      maxBytes: Number(params.maxBatchSizeBytes ?? 0) || BATCH_BYTES,
      intervalMs: durationMs(params.pushIntervalDuration ?? "0s") || PERIOD_MS,
      timeoutMs: durationMs(params.pushTimeoutDuration ?? "0s") || PERIOD_MS,
      send: (entries, signal) => client.send(entries, signal),
    });
    return {
      report: (instances) =>
        delivery.add(
          (instances as readonly LogEntryInstance[]).map((each) => entryOf(each, integerDuration, context.clock.now())),
        ),
      async close() {
        await delivery.close();
        client.close();
      },
    };
  });
}

/** The variable `tag` is the entry's tag; then the instance's name is a field of the record. */
function entryOf({ name, timestamp, severity, variables }: LogEntryInstance, wholeMs: boolean, now: number): Entry {
  const record: Record<string, unknown> = {};
  let tag = name;
  for (const [i, key] of (variables?.names ?? []).entries()) {
    const [type, value] = [variables?.types[i] as ValueType, variables?.values[i] as AttributeValue];
    if (key === "tag") {
      tag = renderValue(type, value);
      record.name = name;
    } else record[key] = type === "DURATION" && wholeMs ? Math.trunc(Number(value) / 1e6) : plainValue(type, value);
  }
  record.severity = severity ?? "";
  return { tag, time: timestamp?.seconds ?? Math.floor(now / 1000), record };
}
