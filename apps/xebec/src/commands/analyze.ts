import { XebecError } from "@xebec/core-errors";
import { writeYaml } from "@xebec/core-yaml";
import {
  ANALYZERS,
  type AnalyzeOptions,
  analyze,
  documentationUrl,
  isAtLeast,
  isWanted,
  LEVELS,
  type Level,
  type Message,
  resourceName,
} from "@xebec/galley-analyze";
import { readAnalyzeInput } from "../analyze-input.ts";
import { print } from "../output.ts";

/** istioctl's exit codes. */
const EXIT_FOUND = 79;
const EXIT_UNREADABLE = 65;
const COLORS: Readonly<Record<Level, string>> = { Info: "\u001b[34m", Warning: "\u001b[33m", Error: "\u001b[31m" };

export interface AnalyzeCommandOptions {
  readonly output: "log" | "json" | "yaml";
  readonly useKube: boolean;
  readonly allNamespaces?: boolean;
  readonly namespace: string;
  readonly failureThreshold: Level;
  readonly outputThreshold: Level;
  readonly suppress?: readonly string[];
  readonly analyzer?: readonly string[];
  readonly listAnalyzers?: boolean;
  readonly color: boolean;
  readonly istioNamespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/**
 * `xebec analyze [FILE...]`: mistakes that concern several objects, in files, in the mesh that runs here or in a cluster, or in both.
 * @returns 0, or 79 when something at least as grave as the threshold was found, 65 when a file cannot be read
 */
export async function analyzeCommand(files: readonly string[], options: AnalyzeCommandOptions): Promise<number> {
  if (options.listAnalyzers) {
    print(ANALYZERS.map(({ name }) => `* ${name}\n`).join(""));
    return 0;
  }
  if (files.length === 0 && !options.useKube)
    throw new XebecError("invalid_argument", "there is nothing to analyze: name files, or leave out --use-kube=false");
  const unknown = options.analyzer?.filter((name) => ANALYZERS.every((each) => each.name !== name)) ?? [];
  if (unknown.length > 0)
    throw new XebecError(
      "invalid_argument",
      `there is no analyzer ${unknown.join(", ")}; "xebec analyze -L" lists them`,
    );
  const input = await readAnalyzeInput(files, options.useKube ? options : undefined).catch(
    (error: unknown) => error as Error,
  );
  if (input instanceof Error) {
    process.stderr.write(`xebec: ${input.message}\n`);
    return EXIT_UNREADABLE;
  }
  const chosen: AnalyzeOptions = {
    ...(options.suppress && { suppress: options.suppress }),
    ...(options.analyzer && { analyzers: options.analyzer }),
    ...(!options.allNamespaces && { namespace: options.namespace }),
  };
  const found = [...input.messages.filter((each) => isWanted(each, chosen)), ...analyze(input.objects, chosen)];
  const shown = found.filter(({ level }) => isAtLeast(level, options.outputThreshold));
  if (options.output === "json") print(`${JSON.stringify(shown.map(record), null, 2)}\n`);
  else if (options.output === "yaml") print(writeYaml(shown.map(record)));
  else printLog(shown, options);
  return found.some(({ level }) => isAtLeast(level, options.failureThreshold)) ? EXIT_FOUND : 0;
}

function printLog(messages: readonly Message[], { color, allNamespaces, namespace }: AnalyzeCommandOptions): void {
  const where = allNamespaces ? "all namespaces" : `namespace: ${namespace}`;
  if (messages.length === 0) process.stderr.write(`\u2714 No validation issues found when analyzing ${where}.\n`);
  const level = (text: Level): string => (color ? `${COLORS[text]}${text}\u001b[0m` : text);
  print(
    messages
      .map(
        (each) => `${level(each.level)} [${each.code}] (${resourceName(each.object)}${placeOf(each)}) ${each.text}\n`,
      )
      .join(""),
  );
}

function placeOf({ object, path }: Message): string {
  return object.file === undefined ? "" : ` ${referenceOf(object.file, object.lineOf?.(path))}`;
}

function referenceOf(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** A finding as istioctl writes it in JSON and YAML. */
function record({ code, level, object, path, text }: Message): Record<string, string> {
  return {
    code,
    documentationUrl: `${documentationUrl(code)}?ref=istioctl`,
    level,
    message: text,
    origin: resourceName(object),
    ...(object.file === undefined ? {} : { reference: referenceOf(object.file, object.lineOf?.(path)) }),
  };
}

/** A level of a flag, in any case. @throws XebecError invalid_argument */
export function levelOf(text: string): Level {
  const found = LEVELS.find((level) => level.toLowerCase() === text.toLowerCase());
  if (found) return found;
  throw new XebecError("invalid_argument", `"${text}" is not a level; use ${LEVELS.join(", ")}`);
}
