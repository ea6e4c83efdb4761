import type { ServerResponse } from "node:http";
import { escapeControls } from "@xebec/core-log";

/** The answer to one request. It is sent once; what is said of it afterwards has no effect. */
export class HttpReply {
  readonly raw: ServerResponse;
  readonly #headOnly: boolean;

  /** @param headOnly true: the body is left out, its length is told */
  constructor(raw: ServerResponse, headOnly: boolean) {
    this.raw = raw;
    this.#headOnly = headOnly;
  }

  get sent(): boolean {
    return this.raw.headersSent || this.raw.destroyed;
  }

  /** 200 unless told. */
  status(code: number): this {
    this.raw.statusCode = code;
    return this;
  }

  header(name: string, value: string): this {
    this.raw.setHeader(name, value);
    return this;
  }

  /** The content type; texts are UTF-8 unless it says otherwise. */
  type(value: string): this {
    return this.header("content-type", /^text\/[^;]*$/.test(value) ? `${value}; charset=utf-8` : value);
  }

  /** @param body text or bytes as they are, nothing, or a value that goes as JSON, in which no character does anything to a terminal */
  send(body?: unknown): this {
    if (this.sent) return this;
    const plain = typeof body === "string" || body instanceof Uint8Array || body === undefined;
    const bytes = plain ? Buffer.from(body ?? "") : Buffer.from(escapeControls(JSON.stringify(body)));
    if (!this.raw.hasHeader("content-type") && body !== undefined)
      this.type(
        plain
          ? typeof body === "string"
            ? "text/plain"
            : "application/octet-stream"
          : "application/json; charset=utf-8",
      );
    this.raw.setHeader("content-length", bytes.length);
    this.raw.end(this.#headOnly ? undefined : bytes);
    return this;
  }
}
