import { execFile } from "node:child_process";
import { XebecError } from "@xebec/core-errors";
import { accepts, httpStatus } from "@xebec/platform-http/call";
import { isServing } from "../grpc-probe.ts";
import { httpsStatus } from "../https-probe.ts";
import type { ReadinessProbe } from "./readiness-probe.ts";

/**
 * Probes a workload once.
 * @param appHost where it listens, unless the probe says so
 * @returns why it is not well; undefined when it is
 */
export async function probeWorkload(
  { action, timeoutMs }: Pick<ReadinessProbe, "action" | "timeoutMs">,
  appHost: string,
): Promise<string | undefined> {
  switch (action.sort) {
    case "http": {
      const { host = appHost, port, path, headers, tls } = action;
      const where = `${tls ? "https" : "http"}://${host}:${port}${path}`;
      const status = tls
        ? await httpsStatus(host, port, { path, headers }, timeoutMs)
        : await httpStatus({ host, port }, path, { headers, timeoutMs }).catch(unanswered);
      if (status === undefined) return `${where} does not answer`;
      return status >= 200 && status < 400 ? undefined : `${where} answers with ${status}`;
    }
    case "tcp": {
      const { host = appHost, port } = action;
      return (await accepts(host, port, timeoutMs)) ? undefined : `${host}:${port} takes no connection`;
    }
    case "grpc": {
      const { port, service } = action;
      const isWell = await isServing(appHost, port, service, timeoutMs);
      return isWell ? undefined : `the gRPC service "${service}" at port ${port} is not SERVING`;
    }
    case "exec":
      return run(action.command, timeoutMs);
  }
}

/** For a probe, no answer is an answer. */
function unanswered(error: unknown): undefined {
  if (error instanceof XebecError) return undefined;
  throw error;
}

function run([program, ...args]: readonly [string, ...string[]], timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 1 << 20 }, (error) => {
      if (!error) return resolve(undefined);
      const why = error.killed ? `took more than ${timeoutMs} ms` : `failed (${error.code ?? error.signal})`;
      resolve(`the command ${program} ${why}`);
    });
  });
}
