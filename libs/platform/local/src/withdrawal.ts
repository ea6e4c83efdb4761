import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { decodeProxies } from "@xebec/model-bus";
import type { Bus } from "@xebec/platform-bus";

const log = logger("local");
/** How long proxies are waited for, in milliseconds. */
const LIMIT_MS = 5_000;
const LOOK_MS = 50;
/** So many looks that are the same: pilot has by then what was published before the first one. */
const LOOKS = 3;
const ASK_MS = 1_000;
const TYPES = ["cluster", "endpoint", "listener", "route"] as const;

type Proxy = Readonly<Record<string, unknown>>;

/**
 * Waits until every connected proxy has what is published now, for example that a pod has gone.
 * @param published resolves when the bus has taken it
 * @returns whether that is known; false after five seconds, when the bus or pilot is away or a proxy does not answer
 */
export async function proxiesHave(published: Promise<void>, bus: Bus, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + LIMIT_MS;
  const isTaken = await Promise.race([published.then(() => true), sleep(LIMIT_MS, signal).then(() => false)]);
  let last = "";
  for (let same = 0; isTaken && performance.now() < until && !signal.aborted; await sleep(LOOK_MS, signal)) {
    const now = await look(bus);
    same = now !== undefined && now === last ? same + 1 : 0;
    if (same >= LOOKS - 1) return true;
    last = now ?? "";
  }
  if (!signal.aborted) log.warn("it is not known whether the proxies have taken that a pod goes; it ends all the same");
  return false;
}

/** What all proxies have; undefined when one is behind, or pilot does not answer. */
async function look(bus: Bus): Promise<string | undefined> {
  try {
    const answers = await bus.requestAll("proxies", new Uint8Array(), { timeoutMs: ASK_MS });
    if (answers.length === 0) return undefined;
    const proxies = (await Promise.all(answers.map(decodeProxies))).flat() as Proxy[];
    if (proxies.some(isBehind)) return undefined;
    return JSON.stringify(proxies.map((each) => [each.proxy, ...TYPES.map((type) => each[`${type}_sent`])]));
  } catch (error) {
    log.debug({ err: error }, "pilot could not be asked for its proxies");
    return undefined;
  }
}

/** One that refuses an answer will not take it later either. */
function isBehind(proxy: Proxy): boolean {
  const resources = Object.values((proxy.resources ?? {}) as Record<string, { readonly last_error?: string }>);
  if (resources.some((each) => each.last_error)) return false;
  return TYPES.some((type) => proxy[`${type}_sent`] !== proxy[`${type}_acked`]);
}
