import { Coalescer } from "@xebec/core-async";

/** How often it is looked whether something in a pod's volumes is due, as kubelet does, in milliseconds. */
const LOOK_MS = 60_000;

/**
 * Looks after the volumes of pods.
 * @param refresh writes what is due; reports its errors itself
 * @returns ends that
 */
export function scheduleVolumeRefresh(refresh: () => Promise<void>): () => void {
  const run = new Coalescer(refresh);
  const timer = setInterval(() => void run.request(), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
