import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { MeshStatus, ProcessStatus } from "@xebec/platform-local";
import { callSupervisor } from "./control.ts";
import type { Progress } from "./progress.ts";
import { authenticated, type ProxySync, syncCell, XDS_TYPES } from "./proxy-sync.ts";
import { hasIngress } from "./summary.ts";

const POLL_MS = 100;
const ANSWER_MS = 5_000;
const SETTLE_MS = 5_000;
/** Proxies that took nothing new for so long have what there is. */
const QUIET_MS = 200;

/** True when everything runs and is ready. */
export function isReady(status: MeshStatus): boolean {
  return status.missing.length === 0 && status.processes.length > 0 && status.processes.every((each) => each.ready);
}

/** What a mesh still waits for, a line each. */
export function missingOf(status: MeshStatus): string[] {
  const line = (each: ProcessStatus): string =>
    `${each.kind} ${each.name} is not ready: ${each.problem || `see "xebec logs ${each.name}"`}`;
  return [...status.missing, ...status.processes.filter((each) => !each.ready).map(line)];
}

/**
 * Waits until the mesh of a run directory is ready.
 * @returns the last status that was seen; undefined when the supervisor never answered
 */
export async function waitReady(
  runDir: string,
  timeoutMs: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<MeshStatus | undefined> {
  const until = performance.now() + timeoutMs;
  let last: MeshStatus | undefined;
  while (!signal.aborted && performance.now() < until) {
    try {
      last = await callSupervisor<MeshStatus>(runDir, "GET", "/status", ANSWER_MS);
      if (signal.aborted) break;
      report(last, progress);
      if (isReady(last)) {
        await settle(runDir, last, signal);
        break;
      }
    } catch (error) {
      if (!isXebecError(error) || error.code !== "unavailable") throw error;
    }
    await sleep(POLL_MS, signal);
  }
  progress.finish();
  return last;
}

/**
 * The last pods have just become ready: waits until every proxy has heard of it, and the ingress, if there is one, does not
 * answer 503 any more. A mesh that never settles is ready all the same; `xebec check` says what is wrong with it.
 */
async function settle(runDir: string, status: MeshStatus, signal: AbortSignal): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  const hasGateway = hasIngress(status);
  let before = "";
  while (!signal.aborted && performance.now() < until) {
    const proxies = authenticated(await callSupervisor<ProxySync[]>(runDir, "GET", "/proxies", ANSWER_MS));
    const synced = proxies.every((proxy) => XDS_TYPES.every((type) => syncCell(proxy, type) !== "STALE"));
    const now = JSON.stringify(proxies);
    if (synced && now === before && (!hasGateway || (await ingressServes(status.ingress)))) return;
    before = now;
    await sleep(QUIET_MS, signal);
  }
}

async function ingressServes(ingress: string): Promise<boolean> {
  try {
    const answer = await fetch(`${ingress}/productpage`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.arrayBuffer();
    return answer.status !== 503;
  } catch {
    return false; // no listener yet: no gateway object has reached it
  }
}

function report(status: MeshStatus, progress: Progress): void {
  const count = (kind: ProcessStatus["kind"]): [number, number] => {
    const all = status.processes.filter((each) => each.kind === kind);
    return [all.filter((each) => each.ready).length, all.length];
  };
  const [services, ofServices] = count("service");
  const [pods, ofPods] = count("pod");
  if (ofServices > 0) progress.show("services ready", services, ofServices);
  if (ofPods > 0 && services === ofServices) progress.show("pods ready", pods, ofPods);
}
