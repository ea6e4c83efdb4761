import {
  type Adapter,
  type AdapterHost,
  type AttributeValue,
  durationMs,
  type Handler,
  type HandlerContext,
  implementAdapter,
  type MetricInstance,
} from "@xebec/mixer-sdk";
import { UdpSender } from "@xebec/platform-udp";
import { hostAndPort, type StatsdParams, statsd } from "./info.ts";
import { type NameTemplate, parseNameTemplate } from "./name-template.ts";
import { Packets } from "./packets.ts";

/** What the protocol reserves: names may come from requests, and must not look like other samples. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const RESERVED = /[:|@#\s\u0000-\u001f\u007f]/g;
const MAX_NAME = 1024;
const DEFAULT_FLUSH_MS = 300;
const DEFAULT_FLUSH_BYTES = 512;

/**
 * Makes the adapter (docs/reference/mixer.md §6.12).
 * @param host its limits say which addresses handlers may send to
 * @param random gives numbers from 0 to 1 for sampling; a test gives its own
 */
export function createAdapter({ limits }: Pick<AdapterHost, "limits">, random: () => number = Math.random): Adapter {
  return implementAdapter(statsd, async (params, context) => {
    const { host, port } = hostAndPort(params.address ?? "") ?? { host: "", port: 0 };
    const sender = new UdpSender({
      host,
      port,
      refusal: (address) => limits.addressRefusal(address),
      failed: (error) =>
        context.log.warn({ err: error, handler: context.handler }, "metrics cannot be sent to StatsD; they are lost"),
    });
    await sender.start();
    return new StatsdHandler(params, context, sender, random);
  });
}

interface Metric {
  readonly type: "UNKNOWN" | "COUNTER" | "GAUGE" | "DISTRIBUTION";
  /** Undefined: the name is the instance's. */
  readonly template: NameTemplate | undefined;
}

class StatsdHandler implements Handler {
  readonly #prefix: string;
  readonly #rate: number;
  readonly #suffix: string;
  readonly #metrics: ReadonlyMap<string, Metric>;
  readonly #sender: UdpSender;
  readonly #packets: Packets;
  readonly #random: () => number;
  readonly #stop: () => void;

  constructor(
    { prefix = "", samplingRate = 1, metrics = {}, flushDuration = "0s", flushBytes = 0 }: StatsdParams,
    { clock }: HandlerContext,
    sender: UdpSender,
    random: () => number,
  ) {
    this.#prefix = prefix === "" ? "" : `${prefix}.`;
    this.#rate = samplingRate;
    this.#suffix = samplingRate < 1 ? `|@${samplingRate.toFixed(6)}` : "";
    this.#metrics = new Map(
      Object.entries(metrics).map(([name, { type = "UNKNOWN", nameTemplate = "" }]) => [
        name,
        { type, template: nameTemplate === "" ? undefined : parseNameTemplate(nameTemplate) },
      ]),
    );
    this.#random = random;
    this.#sender = sender;
    this.#packets = new Packets(flushBytes || DEFAULT_FLUSH_BYTES, (datagram) => sender.send(datagram));
    this.#stop = clock.every(durationMs(flushDuration) || DEFAULT_FLUSH_MS, () => this.#packets.flush());
  }

  report(instances: readonly MetricInstance[]): void {
    let errors: Set<string> | undefined;
    for (const instance of instances) {
      try {
        this.#record(instance);
      } catch (error) {
        errors ??= new Set();
        errors.add((error as Error).message);
      }
    }
    if (errors) throw new Error([...errors].join("; "));
  }

  async close(): Promise<void> {
    this.#stop();
    this.#packets.flush();
    await this.#sender.close();
  }

  /** @throws Error for a sample that cannot be sent */
  #record({ name, value, types, dimensions }: MetricInstance): void {
    const metric = this.#metrics.get(name);
    if (!metric) throw new Error(`no info for metric named ${name}`);
    const sample = sampleOf(metric.type, types.value === "DURATION", value);
    if (sample === undefined) throw new Error(`${name}: ${String(value)} cannot be sent as ${metric.type}`);
    if (this.#rate < 1 && this.#random() >= this.#rate) return;
    const shown = (metric.template?.render(dimensions) ?? name).replace(RESERVED, "_");
    if (shown.length > MAX_NAME) throw new Error(`${name}: its name is longer than ${MAX_NAME} characters`);
    this.#packets.add(`${this.#prefix}${shown}:${sample}${this.#suffix}`);
  }
}

/** A value with its type in the protocol; undefined when it has none. Distributions of integers are counted, as in Istio. */
function sampleOf(type: Metric["type"], isDuration: boolean, value: AttributeValue | undefined): string | undefined {
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  if (isDuration) return type === "DISTRIBUTION" ? `${Number(value) / 1e6}|ms` : undefined;
  if (typeof value === "number" && !Number.isInteger(value)) return undefined;
  return type === "GAUGE" ? `${value}|g` : type === "UNKNOWN" ? undefined : `${value}|c`;
}
