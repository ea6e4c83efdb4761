import type { MainProcess, ProcessRecord } from "./main-processes.ts";

/** What is to be run, and kept running. */
export interface ProcessSpec {
  /** `service/pilot`, `pod/default/reviews-v1-x/app`. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  /** When it ends by itself, its children go on and its successor takes them over. */
  readonly leavesChildren?: boolean;
  /** The environment variable, `[NAME, VALUE]`, of all processes that may hold its ports (its name). */
  readonly portEnv?: readonly [string, string];
}

/** What is known of a process before its first start here. */
export interface ProcessBefore extends ProcessRecord {
  /** Its processes that were found by their environment, the oldest first; looked for when absent. */
  readonly found?: readonly MainProcess[];
}
