import { randomUUID } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { sleep } from "@xebec/core-async";
import type { Family } from "./rules.ts";

const ADDRESSES = { 4: { listen: "127.0.0.1", dial: "127.0.0.6" }, 6: { listen: "::1", dial: "::6" } } as const;
const RETRY_MS = 1_000;

/**
 * Checks that traffic is captured: listens where the proxy would, and calls a port on which nobody listens.
 * @param ports the proxy's ports
 * @returns whether a call came within the time
 */
export async function isCaptured(
  family: Family,
  ports: readonly number[],
  probePort: number,
  timeoutMs: number,
): Promise<boolean> {
  const { listen, dial } = ADDRESSES[family];
  const stop = new AbortController();
  // Nobody else's call counts.
  const word = randomUUID();
  let came = false;
  const servers = ports.map((port): Server => {
    const server = createServer((socket) => {
      let text = "";
      socket.on("error", () => socket.destroy());
      socket.on("data", (bytes: Buffer) => {
        text = (text + bytes.toString()).slice(0, word.length);
        if (text === word) {
          came = true;
          stop.abort();
        }
        if (text.length >= word.length) socket.destroy();
      });
    });
    server.on("error", () => stop.abort());
    server.listen(port, listen);
    return server;
  });
  const until = performance.now() + timeoutMs;
  while (!stop.signal.aborted && performance.now() < until) {
    const socket = connect({ host: dial, port: probePort }, () => socket.write(word));
    socket.on("error", () => socket.destroy());
    await sleep(Math.min(RETRY_MS, Math.max(0, until - performance.now())), stop.signal);
    socket.destroy();
  }
  for (const each of servers) each.close();
  return came;
}
