import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { call } from "../e2e/mesh.ts";

const ASK_EVERY_MS = 20;
const TIMEOUT_MS = 30_000;

/** The longest health check of a process. */
export interface LongestCheck {
  /** From the question to the answer, in milliseconds. */
  readonly totalMs: number;
  /** For how long the process itself has computed meanwhile, in milliseconds: the rest is the wait for a core, of both sides. */
  readonly ownMs: number;
}

/** Asks a process for its health again and again, and tells its own work from the wait for a core (proc(5): schedstat). */
export class HealthProbe {
  readonly #target: RequestOptions;
  readonly #pid: number;
  readonly #asked: Promise<void>;
  #isOver = false;
  #totalMs = 0;
  #ownMs = 0;

  constructor(pid: number, target: RequestOptions) {
    this.#pid = pid;
    this.#target = { timeout: TIMEOUT_MS, ...target };
    this.#asked = this.#ask();
  }

  /** The longest one since the last call. */
  take(): LongestCheck {
    const longest = { totalMs: this.#totalMs, ownMs: this.#ownMs };
    this.#totalMs = 0;
    this.#ownMs = 0;
    return longest;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#asked;
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const before = computedMs(this.#pid);
      const began = performance.now();
      await call(this.#target);
      this.#totalMs = Math.max(this.#totalMs, performance.now() - began);
      this.#ownMs = Math.max(this.#ownMs, computedMs(this.#pid) - before);
      await sleep(ASK_EVERY_MS);
    }
  }
}

/** For how long a process' main thread has had a core so far. */
function computedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}
