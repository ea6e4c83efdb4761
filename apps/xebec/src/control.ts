import { XebecError } from "@xebec/core-errors";
import { httpCall } from "@xebec/platform-http/call";
import { controlSocket } from "./paths.ts";

const TIMEOUT_MS = 30_000;

/** Sends a GET request to the supervisor; throws XebecError unavailable when it does not answer. */
export type SupervisorQuery = <T>(path: "/published" | "/proxies?strict" | "/conditions" | "/status") => Promise<T>;

/**
 * Asks the supervisor of a run directory.
 * @param timeoutMs how long its answer may take, in milliseconds
 * @returns the answer, decoded
 * @throws XebecError unavailable when none runs there, or what it answered
 */
export async function callSupervisor<T>(
  runDir: string,
  method: "GET" | "POST",
  path: string,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const socketPath = controlSocket(runDir);
  const answer = await httpCall({ socketPath }, path, { method, timeoutMs }).catch((error: Error) => {
    const cause = error.cause as NodeJS.ErrnoException;
    throw cause.code === "ENOENT" || cause.code === "ECONNREFUSED"
      ? new XebecError("unavailable", 'no mesh runs here; start one with "xebec up"', { cause })
      : new XebecError("unavailable", `the supervisor does not answer: ${cause.message}`, { cause });
  });
  const body = decode<T & { message?: string }>(answer.body || "{}");
  if (answer.status === 200) return body;
  throw new XebecError(answer.status === 404 ? "not_found" : "internal", body.message ?? answer.body);
}

function decode<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new XebecError("unavailable", "the supervisor's answer is not JSON", { cause });
  }
}
