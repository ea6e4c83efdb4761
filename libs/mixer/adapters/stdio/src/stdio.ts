import {
  type Adapter,
  type AdapterHost,
  type Clock,
  type Handler,
  type HandlerContext,
  type Instance,
  implementAdapter,
  type LogEntryInstance,
  type MetricInstance,
  type Timestamp,
} from "@xebec/mixer-sdk";
import { openConfined } from "@xebec/platform-files";
import { LEVELS, type LevelName, type StdioParams, stdio } from "./info.ts";
import { consoleLine, jsonLine, type Level, type Line } from "./lines.ts";
import { LogFile } from "./rotated-file.ts";

/** Where lines go. */
export interface Output {
  write(text: string): void;
  close(): void;
}

export interface OutputTarget {
  readonly stream: "STDOUT" | "STDERR" | "FILE" | "ROTATED_FILE";
  readonly path: string;
  readonly maxBytes: number;
  readonly maxDays: number;
  readonly maxFiles: number;
}

type OpenOutput = (target: OutputTarget, context: Pick<HandlerContext, "clock" | "log">) => Output;

/**
 * Makes the adapter (docs/reference/mixer.md §6.6).
 * @param host its limits name the directories below which handlers may write files
 * @param open opens an output; a test gives its own
 */
export function createAdapter(
  { limits }: Pick<AdapterHost, "limits">,
  open: OpenOutput = opener(limits.directories),
): Adapter {
  return implementAdapter(
    stdio,
    (config, { clock, log }) => new LineHandler(config, open(targetOf(config), { clock, log }), clock),
  );
}

function targetOf(config: StdioParams): OutputTarget {
  return {
    stream: config.logStream ?? "STDOUT",
    path: config.outputPath ?? "",
    maxBytes: (config.maxMegabytesBeforeRotation ?? 100) * 1024 * 1024,
    maxDays: config.maxDaysBeforeRotation ?? 30,
    maxFiles: config.maxRotatedFiles ?? 1000,
  };
}

function opener(directories: readonly string[]): OpenOutput {
  return ({ stream, path, maxBytes, maxDays, maxFiles }, { clock, log }) => {
    if (stream === "FILE" || stream === "ROTATED_FILE") {
      const rotation = stream === "ROTATED_FILE" ? { maxBytes, maxDays, maxFiles } : undefined;
      const failed = (error: unknown): void =>
        log.error({ err: error, path }, "a log file cannot be put aside; lines go on into it");
      return new LogFile(
        path,
        rotation,
        () => clock.now(),
        failed,
        () => openConfined(path, directories),
      );
    }
    const to = stream === "STDERR" ? process.stderr : process.stdout;
    return { write: (text) => void to.write(text), close: () => undefined };
  };
}

const SHOWN: Readonly<Record<LevelName, Level>> = { INFO: "info", WARNING: "warn", ERROR: "error" };

/** What Go prints for a time that was not given: the first of January of the year 1. */
const NO_TIME: Timestamp = { seconds: -62_135_596_800, nanos: 0 };

class LineHandler implements Handler {
  readonly #config: StdioParams;
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #least: number;

  constructor(config: StdioParams, output: Output, clock: Clock) {
    this.#config = config;
    this.#output = output;
    this.#clock = clock;
    this.#least = LEVELS.indexOf(config.outputLevel ?? "INFO");
  }

  report(instances: readonly Instance[], template: string): void {
    const form = this.#config.outputAsJson === false ? consoleLine : jsonLine;
    let text = "";
    for (const each of instances) {
      const line = template === "metric" ? this.#metric(each) : this.#entry(each);
      if (line) text += form(line);
    }
    if (text !== "") this.#output.write(text);
  }

  close(): void {
    this.#output.close();
  }

  #entry({ name, severity = "", timestamp, variables }: LogEntryInstance): Line | undefined {
    const levels = this.#config.severityLevels ?? {};
    const level = Object.hasOwn(levels, severity) ? (levels[severity] as LevelName) : "INFO";
    if (LEVELS.indexOf(level) < this.#least) return undefined;
    const time = timestamp ?? NO_TIME;
    return { level: SHOWN[level], time, instance: name, fields: variables, addressAsText: true };
  }

  #metric({ name, types, value, dimensions }: MetricInstance): Line | undefined {
    const level = this.#config.metricLevel ?? "INFO";
    if (LEVELS.indexOf(level) < this.#least) return undefined;
    return {
      level: SHOWN[level],
      time: this.#now(),
      instance: name,
      value: value === undefined ? undefined : { type: types.value ?? "STRING", value },
      fields: dimensions,
      addressAsText: false,
    };
  }

  #now(): Timestamp {
    const ms = this.#clock.now();
    return { seconds: Math.floor(ms / 1000), nanos: (((ms % 1000) + 1000) % 1000) * 1_000_000 };
  }
}
