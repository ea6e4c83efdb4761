import type { ServerResponse } from "node:http";
import { sleep } from "@xebec/core-async";

/** How often it is looked while nobody tells of a change, in milliseconds; while the proxy is not ready, more often. */
const LOOK_MS = 5_000;
const LOOK_UNREADY_MS = 50;

/** Tells callers of the proxy's readiness, at once and when it changes, so that they need not ask again and again. */
export class ReadyWatch {
  readonly #missing: () => Promise<readonly string[]>;
  /** What each caller was told last. */
  readonly #callers = new Map<ServerResponse, string>();
  #wake = new AbortController();
  #running = false;

  /** @param missing what the proxy waits for; never rejects */
  constructor(missing: () => Promise<readonly string[]>) {
    this.#missing = missing;
  }

  /** Answers with a line of JSON, `{"ready":true,"missing":[]}`, and one more for each change until the caller goes. */
  serve(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/jsonl", "cache-control": "no-store" });
    response.flushHeaders();
    this.#callers.set(response, "");
    response.once("close", () => {
      this.#callers.delete(response);
      this.changed();
    });
    this.changed();
    if (!this.#running) void this.#run();
  }

  /** Something may have changed. */
  changed(): void {
    this.#wake.abort();
  }

  /** Ends the answers. */
  close(): void {
    for (const response of this.#callers.keys()) response.end();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#callers.size > 0) {
      this.#wake = new AbortController();
      const missing = await this.#missing();
      const line = `${JSON.stringify({ ready: missing.length === 0, missing })}\n`;
      for (const [response, told] of this.#callers) {
        if (told === line) continue;
        this.#callers.set(response, line);
        response.write(line);
      }
      await sleep(missing.length === 0 ? LOOK_MS : LOOK_UNREADY_MS, this.#wake.signal);
    }
    this.#running = false;
  }
}
