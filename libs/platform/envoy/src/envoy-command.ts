import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { httpCall, httpStatus } from "@xebec/platform-http/call";

/**
 * `pilot-agent request METHOD PATH`: asks Envoy's admin interface.
 * @param host 127.0.0.1, or the pod's address when pods share the loopback interface
 * @returns the body
 * @throws XebecError unavailable when it does not answer with 200
 */
export async function adminRequest(method: string, path: string, host: string, port: number): Promise<string> {
  if (method !== "GET" && method !== "POST")
    throw new XebecError("invalid_argument", `"${method}" is not a method of the admin interface; use GET or POST`);
  const { status, body } = await httpCall({ host, port }, path.startsWith("/") ? path : `/${path}`, {
    method,
    timeoutMs: 60_000,
  });
  if (status !== 200)
    throw new XebecError("unavailable", `${method} ${path} was answered with status ${status}: ${body}`);
  return body;
}

/**
 * `pilot-agent wait`: returns once the proxy is ready.
 * @throws XebecError deadline_exceeded
 */
export async function waitUntilReady(host: string, port: number, timeoutMs: number): Promise<void> {
  for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(500)) {
    try {
      if ((await httpStatus({ host, port }, "/healthz/ready", { timeoutMs: 500 })) === 200) return;
    } catch {
      // Envoy has not started yet.
    }
  }
  throw new XebecError("deadline_exceeded", `the proxy is not ready after ${timeoutMs / 1_000} s`);
}
