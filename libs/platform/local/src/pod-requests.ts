import { httpCall } from "@xebec/platform-http/call";

const TIMEOUT_MS = 1_000;

/** Where a pod's proxy answers. */
export interface ProxyPlace {
  readonly host: string;
  readonly adminPort: number;
  readonly statusPort: number;
  readonly isRouter: boolean;
}

/**
 * How many requests are under way that came to a pod from outside.
 * @returns 0 also when its proxy does not say
 */
export async function requestsIn({ host, adminPort, isRouter }: ProxyPlace): Promise<number> {
  const filter = `^http\\.${isRouter ? "outbound" : "inbound"}.*downstream_rq_active$`;
  try {
    const path = `/stats?usedonly&filter=${encodeURIComponent(filter)}`;
    const { status, body } = await httpCall({ host, port: adminPort }, path, { timeoutMs: TIMEOUT_MS });
    if (status !== 200) return 0;
    const lines = body.split("\n").filter((line) => line.includes(": "));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(": ") + 2)), 0);
  } catch {
    return 0; // a proxy that does not answer serves nobody
  }
}

/** Tells the proxy to send its clients elsewhere. Listeners stay open. */
export async function drainProxy({ host, statusPort }: ProxyPlace): Promise<void> {
  await httpCall({ host, port: statusPort }, "/drain", { method: "POST", timeoutMs: TIMEOUT_MS });
}
