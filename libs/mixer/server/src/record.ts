import { PassThrough, type Readable } from "node:stream";
import { XebecError } from "@xebec/core-errors";
import { escapeControls } from "@xebec/core-log";
import type { MixerRuntime, RecordedBag } from "@xebec/mixer-runtime";
import { redactor } from "./redact.ts";

/** Why a recording ended. */
export type RecordingEnd = "count" | "seconds" | "bytes";

/** What is recorded, and how much. */
export interface RecordingLimits {
  /** Requests (100; 10,000 at most). */
  readonly count: number;
  /** How long (60; 3,600 at most). */
  readonly seconds: number;
  /** Length of the lines (10 MiB; 64 MiB at most). */
  readonly bytes: number;
  /** Only requests for which this expression is true. */
  readonly match?: string;
  /** Headers, parameters and attributes that are left out beside those that are secrets by their names. */
  readonly redact: readonly string[];
  /** True: nothing is left out. */
  readonly secrets: boolean;
}

const MOST = { count: 10_000, seconds: 3_600, bytes: 64 << 20 } as const;
const DEFAULTS = { count: 100, seconds: 60, bytes: 10 << 20 } as const;

/** Reads the body of a request for a recording. @throws XebecError invalid_argument */
export function recordingLimits(body: unknown): RecordingLimits {
  const given = (typeof body === "object" && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const number = (name: keyof typeof MOST): number => {
    const value = given[name] ?? DEFAULTS[name];
    const isWhole = name === "seconds" || Number.isInteger(value);
    if (typeof value === "number" && isWhole && value > 0 && value <= MOST[name]) return value;
    const sort = name === "seconds" ? "a number" : "a whole number";
    throw new XebecError("invalid_argument", `"${name}" must be ${sort} above 0 and not above ${MOST[name]}`);
  };
  const { match, redact = [], secrets = false } = given;
  if (match !== undefined && typeof match !== "string")
    throw new XebecError("invalid_argument", '"match" must be an expression');
  if (!Array.isArray(redact) || redact.some((each) => typeof each !== "string"))
    throw new XebecError("invalid_argument", '"redact" must be a list of names');
  return {
    ...{ count: number("count"), seconds: number("seconds"), bytes: number("bytes") },
    ...{ redact: redact as string[], secrets: secrets === true },
    ...(match === undefined ? {} : { match }),
  };
}

/**
 * Records the attributes of requests, as rules see them.
 * @returns lines of JSON, a RecordedBag each; the last one, when a limit was reached, is `{"end": RecordingEnd}`. A reader that goes away ends it
 * @throws XebecError invalid_argument for an expression that is none; resource_exhausted when there are too many recordings
 */
export async function record(runtime: MixerRuntime, limits: RecordingLimits): Promise<Readable> {
  const { match, secrets, redact } = limits;
  const clean = secrets ? (attributes: object) => attributes : redactor(redact);
  const lines = new PassThrough({ highWaterMark: limits.bytes });
  let { count, bytes } = limits;
  let isOver = false;
  const take = ({ attributes, ...head }: RecordedBag): void => {
    if (isOver) return;
    // No character of what users send does anything to a terminal.
    const line = `${escapeControls(JSON.stringify({ ...head, attributes: clean(attributes) }))}\n`;
    bytes -= Buffer.byteLength(line);
    if (bytes < 0) {
      end("bytes");
      return;
    }
    lines.write(line);
    if (--count === 0) end("count");
  };
  const stop = await runtime.record(match, take);
  const timer = setTimeout(() => end("seconds"), limits.seconds * 1000);
  lines.once("close", () => {
    clearTimeout(timer);
    isOver = true;
    void stop();
  });
  return lines;

  function end(why: RecordingEnd): void {
    if (isOver) return;
    isOver = true;
    lines.end(`${JSON.stringify({ end: why })}\n`);
  }
}
