import { request } from "node:http";

export interface Answer {
  /** 0: none. */
  readonly status: number;
  readonly body: string;
  readonly problem?: string;
}

/** One request on a connection of its own. Connections are what a proxy that goes away breaks. */
export function ask(url: string, host?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (problem: string): void => resolve({ status: 0, body: "", problem });
    const headers = host === undefined ? {} : { host };
    const call = request(url, { agent: false, timeout: 5_000, headers }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => (body += text));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.on("error", (error) => failed(error.message));
    });
    call.on("timeout", () => call.destroy(new Error("no answer within 5 s")));
    call.on("error", (error) => failed(error.message));
    call.end();
  });
}

/** A request that was not answered as it should be. */
export interface Failure {
  /** Seconds since the start. */
  readonly at: number;
  readonly during: string;
  /** Milliseconds until it was known. */
  readonly took: number;
  readonly what: string;
}

/** Requests at a fixed rate, whether or not the ones before have been answered. */
export class OpenLoop {
  readonly failures: Failure[] = [];
  sent = 0;
  /** The longest answer, in milliseconds. */
  slowest = 0;
  /** What happens meanwhile, for the failures. */
  during = "";
  readonly #began = performance.now();
  readonly #pending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  /** @param problem what is wrong with an answer; undefined: nothing */
  constructor(url: string, perSecond: number, problem: (answer: Answer) => string | undefined) {
    const fire = async (): Promise<void> => {
      const began = performance.now();
      const at = Math.round(began - this.#began) / 1_000;
      const during = this.during;
      const what = problem(await ask(url));
      const took = Math.round(performance.now() - began);
      this.slowest = Math.max(this.slowest, took);
      if (what !== undefined) this.failures.push({ at, during, took, what });
    };
    this.#timer = setInterval(() => {
      this.sent += 1;
      const call = fire().finally(() => this.#pending.delete(call));
      this.#pending.add(call);
    }, 1_000 / perSecond);
  }

  /** Resolves when all answers are there. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }
}
