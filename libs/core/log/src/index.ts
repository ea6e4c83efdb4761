import { isXebecError } from "@xebec/core-errors";
import { type Logger, pino } from "pino";
import { escapeControls } from "./escape.ts";
import { REDACTED, redactText } from "./redact.ts";
import { REPEAT_MS, Repeats } from "./repeats.ts";

export type { Logger } from "pino";
export { escapeControls, escapeLine, escapeOutput } from "./escape.ts";
export { REDACTED, redactText } from "./redact.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const scopes = new Map<string, Logger>();

/** An error as a log shows it: its code, public text, private detail, and the chain of causes. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    type: error.name,
    message: error.message,
    ...(isXebecError(error) ? { code: error.code, detail: error.detail } : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** How much waits for room when the disk is full, in bytes. */
const WAITING_BYTES = 1 << 20;
// Synchronous writes to standard output: nothing is lost when the process is killed, and no worker thread is needed.
const output = pino.destination({ fd: 1, sync: true, maxLength: WAITING_BYTES });
// A line that cannot be written (a full disk) waits for the next one; a service does not end for want of a log.
output.on("error", () => {});
let lost = 0;
output.on("drop", () => {
  lost++;
});
output.on("write", () => {
  if (lost === 0) return;
  const lines = lost;
  lost = 0;
  root.warn({ lines }, "lines of this log were lost; it could not be written");
});

const INFO = 30;
const WARN = 40;
const ERROR = 50;
const FATAL = 60;

/** Warnings and errors that repeat are logged once in an interval, with a count when it is over. */
const repeats = new Repeats(({ scope, level, text, count }) => {
  const log = scope === "" ? root : logger(scope);
  const fields = { lines: count, ...(text === "" ? {} : { text }), seconds: REPEAT_MS / 1_000, [SUMMARY]: true };
  log[level >= ERROR ? "error" : "warn"](fields, "repeated lines were suppressed");
});
/** Marks a line that reports suppressed lines: it is never suppressed itself. */
const SUMMARY = Symbol("summary");

function fieldsText(fields: unknown): string {
  if (fields === null || typeof fields !== "object") return "";
  try {
    // Of an error its text: a stack and an address in it may differ each time.
    return JSON.stringify(fields, (_key, value: unknown) =>
      value instanceof Error
        ? [value.name, value.message, value.cause]
        : typeof value === "bigint"
          ? `${value}`
          : value,
    );
  } catch {
    return ""; // a circle: lines with it count as the same
  }
}

const root = pino(
  {
    level: "info",
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
    redact: {
      paths: ["token", "*.token", "key", "*.key", "password", "*.password", "seed", "*.seed"],
      censor: REDACTED,
    },
    hooks: {
      logMethod(args, method, level) {
        // Whoever looks for an error in a scope sees everything of it.
        const isLimited = level >= WARN && level < FATAL && this.levelVal >= INFO;
        const [first, second] = args as unknown as [unknown, unknown];
        const isSummary = first !== null && typeof first === "object" && SUMMARY in first;
        if (isLimited && !isSummary) {
          const scope = String((this.bindings() as { scope?: unknown }).scope ?? "");
          const text = typeof first === "string" ? first : typeof second === "string" ? second : "";
          if (!repeats.admits(scope, level, text, fieldsText(first))) return;
        }
        method.apply(this, args);
      },
      // On the line as it is written: wherever in it a secret stands, or what a terminal would act on.
      streamWrite: (line) => escapeControls(redactText(line)),
    },
  },
  output,
);

/**
 * The logger of a scope, for example `ads`. Each scope has a level of its own that can change at run time.
 * @returns the same logger for the same name
 */
export function logger(scope: string): Logger {
  let found = scopes.get(scope);
  if (!found) {
    found = root.child({ scope });
    scopes.set(scope, found);
  }
  return found;
}

/** Sets the level of one scope, or of all scopes that exist and will exist (`default`). */
export function setLogLevel(level: LogLevel, scope = "default"): void {
  if (scope !== "default") {
    logger(scope).level = level;
    return;
  }
  root.level = level;
  for (const each of scopes.values()) each.level = level;
}

/** The level of every scope that has logged or been set. */
export function logLevels(): Record<string, string> {
  return { default: root.level, ...Object.fromEntries([...scopes].map(([name, each]) => [name, each.level])) };
}

/**
 * Applies Istio's `--log_output_level` text: `default:info,ads:debug` or a bare level.
 * @returns the errors found; nothing is applied when there is one
 */
export function applyLogLevels(text: string): string[] {
  const errors: string[] = [];
  const wanted: [string, LogLevel][] = [];
  for (const part of text.split(",").filter(Boolean)) {
    const [scope, level] = part.includes(":") ? (part.split(":", 2) as [string, string]) : ["default", part];
    if (scope === "") errors.push(`log level "${part}" names no scope; write SCOPE:LEVEL`);
    const known = level === "none" ? "silent" : LOG_LEVELS.find((each) => each === level);
    if (known) wanted.push([scope, known]);
    else errors.push(`log level "${level}" is unknown; use one of ${LOG_LEVELS.join(", ")} or none`);
  }
  // The default first, wherever it stands: it would undo what is said of single scopes.
  wanted.sort(([a], [b]) => Number(b === "default") - Number(a === "default"));
  if (errors.length === 0) for (const [scope, level] of wanted) setLogLevel(level, scope);
  return errors;
}
