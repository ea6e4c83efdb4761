import { statfs } from "node:fs/promises";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { signalGroup } from "@xebec/platform-process";
import { httpReady } from "./readiness.ts";
import type { Unit } from "./unit.ts";

const log = logger("local");
const LOOK_MS = 2_000;
/** So many failures in a row are no hiccup. */
const FAILURES = 3;
/** What nats-server needs to begin again, in bytes. */
const ROOM = 8 << 20;

export interface NatsHealth {
  /** Where nats-server answers /healthz. */
  readonly host: string;
  readonly port: number;
  /** The directory of its store. */
  readonly storeDir: string;
}

/**
 * Starts nats-server again when it says that its store has failed: once the disk was full it refuses writes until then, also
 * when there is room again (its /healthz tells so).
 * @returns ends that
 */
export function keepNatsHealthy(unit: Unit, { host, port, storeDir }: NatsHealth): () => void {
  let failures = 0;
  const look = new Coalescer(async () => {
    failures = (await httpReady(host, port, "/healthz")) ? 0 : failures + 1;
    if (failures < FAILURES || !unit.id) return;
    const { bavail, bsize } = await statfs(storeDir);
    if (bavail * bsize < ROOM) return;
    failures = 0;
    log.warn({ unit: unit.spec.name }, "nats-server says that it is not healthy; it is started again");
    signalGroup(unit.id, "SIGTERM");
  });
  const timer = setInterval(
    () => void look.request().catch((error: unknown) => log.warn({ err: error }, "nats-server cannot be looked after")),
    LOOK_MS,
  );
  timer.unref();
  return () => clearInterval(timer);
}
