import { flushCompileCache } from "node:module";

/** When the start of the others is over, too. In milliseconds. */
const FLUSH_AFTER_MS = 10_000;

/**
 * Writes what Node has compiled, as NODE_COMPILE_CACHE says, a while after the start: Node itself does so at a clean end only,
 * and a process that is killed shall start as fast. Only for a bundle, which is one file: writing the two thousand of a source
 * tree stops the event loop for seconds, and for most of a minute when all services do it on a busy machine.
 */
export function keepCompiled(entry: string = process.argv[1] ?? ""): void {
  if (entry.endsWith(".mjs")) setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
}
