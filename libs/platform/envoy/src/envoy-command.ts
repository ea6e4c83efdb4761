import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { httpCall, httpStatus } from "@xebec/platform-http/call";
import type { RequestCommand, WaitCommand } from "./agent-commands.ts";

/**
 * `pilot-agent request METHOD PATH`: asks Envoy's admin interface, or another port of the pod.
 * @param host 127.0.0.1, or the pod's address when pods share the loopback interface
 * @returns the body
 * @throws XebecError unavailable when it does not answer with 200
 */
export async function adminRequest(host: string, { method, path, port }: RequestCommand): Promise<string> {
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
export async function waitUntilReady({ url, timeoutMs, requestTimeoutMs, periodMs }: WaitCommand): Promise<void> {
  const target = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) };
  const path = `${url.pathname}${url.search}`;
  for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(periodMs)) {
    try {
      if ((await httpStatus(target, path, { timeoutMs: requestTimeoutMs })) === 200) return;
    } catch {
      // Envoy has not started yet.
    }
  }
  throw new XebecError(
    "deadline_exceeded",
    `${url.href} says after ${timeoutMs / 1_000} s that the proxy is not ready`,
  );
}
