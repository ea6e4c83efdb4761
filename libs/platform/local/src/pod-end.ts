import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { type ActionPlace, act } from "./container-action.ts";
import type { ManagedProcess } from "./managed-process.ts";

const log = logger("local");

/** How long requests that are under way may take before the containers are asked to end, in milliseconds. */
const REQUESTS_MS = 5_000;
const LOOK_MS = 50;
/** What the proxy gets at least, also when nothing of the grace period is left, as kubelet gives it to sidecars. */
const PROXY_MS = 2_000;

export interface EndingContainer {
  readonly managed: ManagedProcess;
  readonly place: ActionPlace;
}

export interface PodEnd {
  readonly apps: readonly EndingContainer[];
  readonly proxy: EndingContainer | undefined;
  /** From the deletion on, in milliseconds: everything is killed then. */
  readonly graceMs: number;
  /** Resolves when no proxy sends new requests to the pod, or that cannot be waited for any longer. */
  withdrawn(): Promise<void>;
  /** Makes the pod's proxy ask clients to go elsewhere; it goes on serving. */
  drain(): Promise<void>;
  /** How many requests are under way in the pod. */
  requests(): Promise<number>;
}

/**
 * Ends what runs in a pod in kubelet's order: `preStop`, SIGTERM, what is left of the grace period, SIGKILL; the proxy when the
 * containers have ended. A container gets its SIGTERM only when no proxy sends requests to it any more, and those that are under
 * way have been answered.
 */
export async function endContainers(end: PodEnd): Promise<void> {
  const since = performance.now();
  const left = (): number => Math.max(0, end.graceMs - (performance.now() - since));
  for (const { managed } of [...end.apps, ...(end.proxy ? [end.proxy] : [])]) managed.retire();
  const quiet = quieten(end, left);
  await Promise.all(
    end.apps.map(async (each) => {
      await Promise.all([preStop(each, left()), quiet]);
      await each.managed.end(left());
    }),
  );
  if (!end.proxy) return;
  await Promise.all([preStop(end.proxy, left()), quiet]);
  await end.proxy.managed.end(Math.max(left(), PROXY_MS));
}

async function quieten(end: PodEnd, left: () => number): Promise<void> {
  await Promise.race([Promise.all([end.withdrawn(), end.drain()]), sleep(left())]);
  const until = performance.now() + Math.min(REQUESTS_MS, left());
  while (performance.now() < until && (await end.requests()) > 0) await sleep(LOOK_MS);
}

/** As kubelet does: a hook that fails is reported, and the end goes on. */
async function preStop({ managed, place }: EndingContainer, timeoutMs: number): Promise<void> {
  const hook = place.container.lifecycle?.preStop;
  if (!hook || !managed.id) return;
  try {
    if (await act(hook, place, timeoutMs)) return;
    log.warn({ process: managed.spec.name }, "preStop has failed, or took longer than the grace period");
  } catch (error) {
    log.warn({ process: managed.spec.name, err: error }, "preStop could not be run");
  }
}
