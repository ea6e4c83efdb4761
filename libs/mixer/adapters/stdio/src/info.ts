import { bool, describeAdapter, enumeration, field, int32, map, message, type Static, string } from "@xebec/mixer-sdk";

export const LEVELS = ["INFO", "WARNING", "ERROR"] as const;
export type LevelName = (typeof LEVELS)[number];
const Level = enumeration(LEVELS);

const Params = message("stdio.Params", {
  logStream: field(enumeration(["STDOUT", "STDERR", "FILE", "ROTATED_FILE"]), "Where lines go."),
  severityLevels: field(map(Level), "The level of each severity; of others it is INFO."),
  metricLevel: field(Level, "The level of metrics."),
  outputAsJson: field(bool(), "Writes JSON instead of lines for people."),
  outputLevel: field(Level, "The least level that is written."),
  outputPath: field(string(), "The file, for logStream FILE and ROTATED_FILE."),
  maxMegabytesBeforeRotation: field(int32({ minimum: 1 }), "A file of this size is put aside."),
  maxDaysBeforeRotation: field(
    int32({ minimum: 0 }),
    "Files that were put aside are removed after so many days; 0: never.",
  ),
  maxRotatedFiles: field(int32({ minimum: 0 }), "How many files that were put aside are kept; 0: all."),
});
export type StdioParams = Static<typeof Params>;

const spellings = (level: LevelName, ...words: string[]): [string, LevelName][] =>
  words.flatMap((word) =>
    [word, word.toLowerCase(), word.charAt(0) + word.slice(1).toLowerCase()].map((each) => [each, level] as const),
  ) as [string, LevelName][];

const SEVERITIES = Object.fromEntries([
  ...spellings("INFO", "INFORMATIONAL", "INFO"),
  ...spellings("WARNING", "WARNING", "WARN"),
  ...spellings("ERROR", "ERROR", "ERR", "FATAL"),
]);

/** Writes log entries and metrics as lines (docs/reference/mixer.md §6.6). */
export const stdio = describeAdapter({
  name: "stdio",
  description: "writes log entries and metrics to standard output or a file",
  templates: ["logentry", "metric"],
  config: Params,
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
  validate({ logStream = "STDOUT", outputPath = "" }, { limits }) {
    const isFile = logStream === "FILE" || logStream === "ROTATED_FILE";
    const wrong = (message: string) => [{ path: ["outputPath"], message }];
    if (isFile && outputPath === "") return wrong(`is required for logStream ${logStream}`);
    if (!isFile && outputPath !== "") return wrong(`has no meaning for logStream ${logStream}`);
    const refusal = isFile ? limits?.fileRefusal(outputPath) : undefined;
    return refusal === undefined
      ? []
      : wrong(`${refusal}; the flag --handlerDirs of mixer-telemetry names directories`);
  },
});
