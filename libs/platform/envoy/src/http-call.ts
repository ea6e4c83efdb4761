import { request } from "node:http";
import { XebecError } from "@xebec/core-errors";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

export interface HttpCall {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds (2 s). */
  readonly timeoutMs?: number;
  /** Largest answer in bytes (64 MiB). */
  readonly maxBytes?: number;
}

/**
 * A plain HTTP call to this pod. It never goes through a proxy that the environment names, since that proxy is our own.
 * @throws XebecError unavailable
 */
export function httpCall(call: HttpCall): Promise<HttpAnswer> {
  const { host, port, path, method = "GET", headers = {}, timeoutMs = 2_000, maxBytes = 64 << 20 } = call;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(new XebecError("unavailable", `http://${host}:${port}${path} does not answer`, { cause }));
    const sent = request({ host, port, path, method, headers, agent: false, timeout: timeoutMs }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) sent.destroy(new Error("the answer is too large"));
        else parts.push(part);
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).toString(),
          contentType: response.headers["content-type"] ?? "",
        }),
      );
    });
    const late = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on("close", () => clearTimeout(late));
    sent.on("error", fail);
    sent.end();
  });
}
