import { type Adapter, type AdapterHost, type Handler, implementAdapter, type MetricInstance } from "@xebec/mixer-sdk";
import { hostAndPort, textMap } from "@xebec/mixer-sinks";
import { UdpSender } from "@xebec/platform-udp";
import { dogstatsd } from "./info.ts";

/** What the protocol reserves in names, and in tags: both may come from requests. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const IN_NAME = /[:|@#,\s\u0000-\u001f\u007f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const IN_TAG = /[|,#\n\r\u0000-\u001f\u007f]/g;
/** A datagram that fits into a packet of most networks. */
const MAX_BYTES = 1432;
const MAX_TAG = 200;
const FLUSH_MS = 100;

/**
 * Makes the adapter (docs/reference/mixer.md §6.13).
 * @param host its limits say which addresses handlers may send to
 * @param random gives numbers from 0 to 1 for sampling; a test gives its own
 */
export function createAdapter({ limits }: Pick<AdapterHost, "limits">, random: () => number = Math.random): Adapter {
  return implementAdapter(dogstatsd, async (params, context): Promise<Handler> => {
    const { prefix = "", bufferLength = 0, globalTags = {}, sampleRate = 1, metrics = {} } = params;
    const sender = new UdpSender({
      ...(hostAndPort(params.address ?? "") ?? { host: "", port: 0 }),
      refusal: (address) => limits.addressRefusal(address),
      failed: (error) =>
        context.log.warn(
          { err: error, handler: context.handler },
          "metrics cannot be sent to DogStatsD; they are lost",
        ),
    });
    await sender.start();
    const head = prefix === "" || prefix.endsWith(".") ? prefix : `${prefix}.`;
    const suffix = sampleRate < 1 ? `|@${sampleRate}` : "";
    const lines: string[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (lines.length > 0) sender.send(lines.join("\n"));
      lines.length = 0;
      bytes = 0;
    };
    const write = (line: string): void => {
      const size = Buffer.byteLength(line) + 1;
      if (bytes + size > MAX_BYTES) flush();
      lines.push(line);
      bytes += size;
      if (lines.length >= bufferLength) flush();
    };
    const stop = bufferLength > 0 ? context.clock.every(FLUSH_MS, flush) : () => undefined;
    /** @throws Error for a sample that cannot be sent */
    const record = ({ name, value, types, dimensions }: MetricInstance): void => {
      const info = metrics[name];
      if (!info) throw new Error(`no info for metric named ${name}`);
      const isDuration = types.value === "DURATION";
      if ((typeof value !== "number" && typeof value !== "bigint") || (isDuration && info.type !== "DISTRIBUTION"))
        throw new Error(`${name}: ${String(value)} cannot be sent as ${info.type}`);
      if (sampleRate < 1 && random() >= sampleRate) return;
      const sample = isDuration
        ? `${Number(value) / 1e6}|ms`
        : `${value}|${info.type === "GAUGE" ? "g" : info.type === "COUNTER" ? "c" : "h"}`;
      const tags = Object.entries({ ...globalTags, ...info.tags, ...textMap(dimensions) })
        .map(([key, each]) => `${key.replace(IN_NAME, "_")}:${each.replace(IN_TAG, "_")}`.slice(0, MAX_TAG))
        .join(",");
      const shown = `${head}${info.name ?? name}`.replace(IN_NAME, "_");
      write(`${shown}:${sample}${suffix}${tags === "" ? "" : `|#${tags}`}`);
    };
    return {
      report(instances) {
        const errors = new Set<string>();
        for (const each of instances as readonly MetricInstance[])
          try {
            record(each);
          } catch (error) {
            errors.add((error as Error).message);
          }
        if (errors.size > 0) throw new Error([...errors].join("; "));
      },
      async close() {
        stop();
        flush();
        await sender.close();
      },
    };
  });
}
