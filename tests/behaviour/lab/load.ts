import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, HttpRequest } from "./calls.ts";
import { http } from "./client.ts";

/** What became of a load. */
export interface LoadResult {
  readonly requests: number;
  /** What went wrong: the status, and what the answer or the client says of it. */
  readonly failures: readonly string[];
}

const WORKERS = 4;
const PAUSE_MS = 2;

const loads = new Map<
  string,
  { ended: boolean; readonly workers: Promise<void>[]; requests: number; failures: string[] }
>();

/** Makes one request after another, each on a connection of its own, until it is ended. @returns its id */
export function startLoad(connection: Connection, request: HttpRequest): string {
  const load = { ended: false, workers: [] as Promise<void>[], requests: 0, failures: [] as string[] };
  const work = async (): Promise<void> => {
    while (!load.ended) {
      const { status, body, error, headers } = await http(connection, request);
      load.requests++;
      if (status !== 200) load.failures.push(`${status} ${error} ${body.slice(0, 200)} ${headers["x-failed"] ?? ""}`);
      await sleep(PAUSE_MS);
    }
  };
  for (let i = 0; i < WORKERS; i++) load.workers.push(work());
  const id = randomUUID();
  loads.set(id, load);
  return id;
}

/** Ends a load when the requests that are under way have their answers. */
export async function endLoad(id: string): Promise<LoadResult> {
  const load = loads.get(id);
  if (!load) throw new Error(`there is no load ${id}`);
  loads.delete(id);
  load.ended = true;
  await Promise.all(load.workers);
  return { requests: load.requests, failures: load.failures };
}
