import { request } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { controlSocket } from "./paths.ts";

const TIMEOUT_MS = 30_000;

/**
 * Asks the supervisor of a run directory.
 * @param timeout how long it may be silent, in milliseconds
 * @returns the answer, decoded
 * @throws XebecError unavailable when none runs there, or what it answered
 */
export function askSupervisor<T>(
  runDir: string,
  method: "GET" | "POST",
  path: string,
  timeout = TIMEOUT_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: controlSocket(runDir), method, path, timeout }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        try {
          const body = JSON.parse(text || "{}") as T & { message?: string };
          if (response.statusCode === 200) resolve(body);
          else reject(new XebecError(response.statusCode === 404 ? "not_found" : "internal", body.message ?? text));
        } catch (error) {
          reject(new XebecError("unavailable", "the supervisor's answer is not JSON", { cause: error }));
        }
      });
      response.on("error", (error) =>
        reject(new XebecError("unavailable", `the supervisor broke off: ${error.message}`, { cause: error })),
      );
    });
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT" || error.code === "ECONNREFUSED"
          ? new XebecError("unavailable", 'no mesh runs here; start one with "xebec up"')
          : new XebecError("unavailable", `the supervisor does not answer: ${error.message}`, { cause: error }),
      ),
    );
    call.end();
  });
}
