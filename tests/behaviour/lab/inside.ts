// Runs inside a network namespace: the servers and the clients of a lab, controlled by messages.
import { startDns } from "@xebec/testing-launch";
import type { Connection, HttpRequest, Upstream } from "./calls.ts";
import { heldUnder, hold, http, tcp } from "./client.ts";
import { closeKept, keepAlive, requestOn } from "./keep-alive.ts";
import { endLoad, startLoad } from "./load.ts";
import { arrivalsOf, startUpstream } from "./upstream.ts";

const servers = new Map<string, () => Promise<void>>();

const names = new Map<string, readonly string[]>();

const tasks = {
  dns: async (at: string) => void (await startDns(at, names)),
  name(host: string, addresses: readonly string[]): void {
    names.set(host, addresses);
  },
  async serve(spec: Upstream): Promise<void> {
    await servers.get(spec.at)?.();
    servers.set(spec.at, await startUpstream(spec));
  },
  async unserve(at: string): Promise<void> {
    await servers.get(at)?.();
    servers.delete(at);
  },
  http: (connection: Connection, request: HttpRequest) => http(connection, request),
  tcp: (connection: Connection, send: string, timeoutMs: number) => tcp(connection, send, timeoutMs),
  hold: (connection: Connection, request: HttpRequest) => hold(connection, request),
  say: (id: string, text: string) => heldUnder(id).say(text),
  closed: (id: string) => heldUnder(id).closed(),
  close: (id: string) => heldUnder(id).close(),
  keepAlive: (connection: Connection) => keepAlive(connection),
  requestOn: (id: string, request: HttpRequest) => requestOn(id, request),
  closeKept: (id: string) => closeKept(id),
  startLoad: (connection: Connection, request: HttpRequest) => startLoad(connection, request),
  endLoad: (id: string) => endLoad(id),
  arrivals: (call: string) => arrivalsOf(call),
};

export type Tasks = typeof tasks;

process.on("message", async ({ id, task, args }: { id: number; task: keyof Tasks; args: unknown[] }) => {
  try {
    const result = await (tasks[task] as (...args: unknown[]) => unknown)(...args);
    process.send?.({ id, result });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ready: true });
