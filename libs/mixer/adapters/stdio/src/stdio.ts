import {
  type Adapter,
  type Clock,
  defineAdapter,
  Enum,
  type Handler,
  type HandlerContext,
  type Instance,
  type LogEntryInstance,
  type MetricInstance,
  type Timestamp,
} from "@xebec/mixer-sdk";
import { confinementFault, openConfined } from "@xebec/platform-files";
import { type Static, Type } from "typebox";
import { consoleLine, jsonLine, type Level, type Line } from "./lines.ts";
import { LogFile } from "./rotated-file.ts";

const LEVELS = ["INFO", "WARNING", "ERROR"] as const;
const LevelName = Enum(LEVELS);
const optional = Type.Optional;

const Config = Type.Object(
  {
    logStream: optional(Enum(["STDOUT", "STDERR", "FILE", "ROTATED_FILE"])),
    severityLevels: optional(Type.Record(Type.String(), LevelName)),
    metricLevel: optional(LevelName),
    outputAsJson: optional(Type.Boolean()),
    outputLevel: optional(LevelName),
    outputPath: optional(Type.String()),
    maxMegabytesBeforeRotation: optional(Type.Integer({ minimum: 1 })),
    maxDaysBeforeRotation: optional(Type.Integer({ minimum: 0 })),
    maxRotatedFiles: optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Config>;

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

const spellings = (level: (typeof LEVELS)[number], ...words: string[]): [string, (typeof LEVELS)[number]][] =>
  words.flatMap((word) =>
    [word, word.toLowerCase(), word.charAt(0) + word.slice(1).toLowerCase()].map((each) => [each, level] as const),
  ) as [string, (typeof LEVELS)[number]][];

const SEVERITIES = Object.fromEntries([
  ...spellings("INFO", "INFORMATIONAL", "INFO"),
  ...spellings("WARNING", "WARNING", "WARN"),
  ...spellings("ERROR", "ERROR", "ERR", "FATAL"),
]);

type OpenOutput = (target: OutputTarget, context: Pick<HandlerContext, "clock" | "log">) => Output;

/**
 * Makes the adapter that writes log entries and metrics as lines (docs/reference/mixer.md §6.6).
 * @param directories below which handlers may write files; none: handlers write to the standard streams only
 * @param open opens an output; a test gives its own
 */
export function createStdio(directories: readonly string[] = [], open: OpenOutput = opener(directories)): Adapter {
  return defineAdapter({
    name: "stdio",
    description: "writes log entries and metrics to standard output or a file",
    templates: ["logentry", "metric"],
    config: Config,
    defaults: {
      logStream: "STDOUT",
      severityLevels: SEVERITIES,
      metricLevel: "INFO",
      outputAsJson: true,
      outputLevel: "INFO",
      outputPath: "",
      maxMegabytesBeforeRotation: 100,
      maxDaysBeforeRotation: 30,
      maxRotatedFiles: 1000,
    },
    validate({ logStream = "STDOUT", outputPath = "" }) {
      const file = logStream === "FILE" || logStream === "ROTATED_FILE";
      if (file && outputPath === "") return [`outputPath: is needed for logStream ${logStream}`];
      const fault = file ? confinementFault(outputPath, directories) : undefined;
      if (fault !== undefined)
        return [`outputPath: ${fault}; the flag --handlerDirs of mixer-telemetry names directories`];
      return !file && outputPath !== "" ? [`outputPath: has no meaning for logStream ${logStream}`] : [];
    },
    create: (config, { clock, log }) => new LineHandler(config, open(targetOf(config), { clock, log }), clock),
  });
}

function targetOf(config: Params): OutputTarget {
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

const SHOWN: Readonly<Record<(typeof LEVELS)[number], Level>> = { INFO: "info", WARNING: "warn", ERROR: "error" };

class LineHandler implements Handler {
  readonly #config: Params;
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #least: number;

  constructor(config: Params, output: Output, clock: Clock) {
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
    const level = Object.hasOwn(levels, severity) ? (levels[severity] as (typeof LEVELS)[number]) : "INFO";
    if (LEVELS.indexOf(level) < this.#least) return undefined;
    const time = timestamp ?? this.#now();
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
