import { spawn } from "node:child_process";
import { once } from "node:events";
import { sleep } from "@xebec/core-async";
import { accepts, httpStatus } from "@xebec/platform-http/call";
import type { Action, ContainerSpec } from "./manifest-objects.ts";

/** Where the actions of a container happen. */
export interface ActionPlace {
  readonly container: ContainerSpec;
  /** Where the container listens. */
  readonly host: string;
  /** Where its proxy listens. */
  readonly proxyHost: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Probes and hooks that the injector has led through the agent. */
const OF_AGENT = /^\/app-(health|lifecycle)\//;
const AGENT = "istio-proxy";

/** The address and port that an action asks; undefined for one that asks none. */
export function actionTarget(
  { httpGet, tcpSocket, grpc }: Action,
  { container, host, proxyHost }: ActionPlace,
): { readonly host: string; readonly port: number } | undefined {
  const where = httpGet ?? tcpSocket ?? grpc;
  if (!where) return undefined;
  const { port } = where;
  const own = container.name === AGENT || OF_AGENT.test(httpGet?.path ?? "") ? proxyHost : host;
  const number =
    typeof port === "number" ? port : (container.ports?.find((each) => each.name === port)?.containerPort ?? 0);
  return { host: (where as { host?: string }).host || own, port: number };
}

/**
 * Does what a probe or a hook says, as kubelet would: any HTTP status from 200 to 399, an open port, SERVING, exit code 0.
 * @returns whether it went well within the time
 * @throws Error when a command cannot be started
 */
export async function act(
  action: Action,
  place: ActionPlace,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const target = actionTarget(action, place);
  if (action.exec) return run(action.exec.command ?? [], place, timeoutMs, signal);
  if (action.sleep) {
    await sleep(Math.min(action.sleep.seconds * 1_000, timeoutMs), signal);
    return true;
  }
  if (!target) return true;
  if (action.tcpSocket) return accepts(target.host, target.port, timeoutMs);
  if (action.grpc) {
    const { isServing } = await import("@xebec/platform-envoy");
    return isServing(target.host, target.port, action.grpc.service ?? "", timeoutMs);
  }
  const { path = "/", scheme, httpHeaders = [] } = action.httpGet ?? {};
  const headers = {
    "user-agent": "kube-probe/1.29",
    ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
  };
  const at = path.startsWith("/") ? path : `/${path}`;
  if (scheme?.toUpperCase() === "HTTPS") {
    const { httpsStatus } = await import("@xebec/platform-envoy");
    const status = await httpsStatus(target.host, target.port, { path: at, headers }, timeoutMs);
    return status !== undefined && status >= 200 && status < 400;
  }
  try {
    const status = await httpStatus(target, at, { headers, timeoutMs });
    return status >= 200 && status < 400;
  } catch {
    return false; // for a probe, no answer is an answer
  }
}

async function run(
  [file, ...args]: readonly string[],
  { env, cwd }: ActionPlace,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (file === undefined || signal?.aborted) return false;
  const child = spawn(file, args, { cwd, env, detached: true, stdio: "ignore" });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const late = setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const [code] = await once(child, "exit");
    return code === 0;
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", stop);
  }
}
