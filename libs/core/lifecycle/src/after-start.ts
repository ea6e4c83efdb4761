import { flushCompileCache } from "node:module";
import { collectGarbage } from "./collect.ts";

/** When the start of the others is over, too. In milliseconds. */
const SETTLED_MS = 10_000;
/** Collecting a larger heap would hold up whoever asks meanwhile. In bytes. */
const MOST_HEAP = 64 << 20;

/**
 * Does what is best done once, a while after the start of a process:
 * - It writes what Node has compiled, as NODE_COMPILE_CACHE says: Node itself does so at a clean end only, and a process that is
 *   killed shall start as fast. Only for a bundle, which is one file: writing the two thousand of a source tree stops the event loop
 *   for seconds, and for most of a minute when all services do it on a busy machine.
 * - It gives back the memory that only the start needed (8 MiB of a service), when Node was started with --expose-gc: a process at
 *   rest makes no garbage, so that nothing else would ever collect it.
 */
export function afterStart(entry: string = process.argv[1] ?? ""): void {
  setTimeout(() => {
    if (entry.endsWith(".mjs")) flushCompileCache();
    if (process.memoryUsage().heapUsed < MOST_HEAP) collectGarbage();
  }, SETTLED_MS).unref();
}
