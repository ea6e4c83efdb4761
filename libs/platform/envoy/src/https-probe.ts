import { request } from "node:https";
import { logger } from "@xebec/core-log";

const log = logger("agent");

/**
 * Asks an app over HTTPS. Its certificate is not verified, as kubelet does not either: a probe says whether somebody answers.
 * @returns the status; undefined when it does not answer in time
 */
export function httpsStatus(
  host: string,
  port: number,
  { path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
  timeoutMs: number,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host, port, path, headers, agent: false, rejectUnauthorized: false }, (response) => {
      resolve(response.statusCode);
      // The status is all that is wanted.
      sent.destroy();
    });
    const late = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on("close", () => clearTimeout(late));
    sent.on("error", (error) => {
      log.debug({ err: error, port, path }, "an HTTPS probe failed");
      resolve(undefined);
    });
    sent.end();
  });
}
