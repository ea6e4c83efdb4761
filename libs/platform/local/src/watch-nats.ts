import { existsSync } from "node:fs";
import { rename, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import type { NatsHealth } from "@xebec/platform-bus";
import type { ManagedProcess } from "./managed-process.ts";

const log = logger("local");
/** How often its health is asked for, in milliseconds: writers report sooner what they notice, so only one that ails is asked often. */
const LOOK_MS = 10_000;
const LOOK_AGAIN_MS = 2_000;
/** So many failures in a row are no hiccup. */
const FAILURES = 3;
/** What nats-server needs to begin again, in bytes. */
const ROOM = 8 << 20;
/** A server that was just started again may first have to read its store, in milliseconds. */
const REST_MS = 10_000;
/** A store that fails again within this time after a start does not heal by one, in milliseconds. */
const AGAIN_MS = 120_000;
const GRACE_MS = 3_000;

export interface WatchedNats {
  /** Tells how nats-server is. */
  readonly health: Pick<NatsHealth, "error">;
  /** The directory of its store. */
  readonly storeDir: string;
  /** Calls back whenever a writer says that the server takes none of its changes. @returns ends that */
  readonly onStall: (stalled: (state: string) => void) => () => void;
}

/**
 * Starts nats-server again when its store has failed: when it says so (its own health check does once the disk was full: it
 * refuses writes until then, also when there is room again), or when writers say that it takes no changes, whatever it says of
 * itself. A store that fails again soon is put aside: writers fill a new one.
 * @returns ends that
 */
export function watchNats(managed: ManagedProcess, { health, storeDir, onStall }: WatchedNats): () => void {
  let failures = 0;
  let restarted = Number.NEGATIVE_INFINITY;
  const hasRoom = async (): Promise<boolean> => {
    // The store itself may be what is gone.
    const { bavail, bsize } = await statfs(dirname(storeDir));
    return bavail * bsize >= ROOM;
  };
  const restart = async (why: string): Promise<void> => {
    const past = performance.now() - restarted;
    if (!managed.id || past < REST_MS || !(await hasRoom())) return;
    restarted = performance.now();
    failures = 0;
    log.warn({ process: managed.spec.name, why }, "the store of nats-server has failed; it is started again");
    await managed.restart(GRACE_MS, async () => {
      if (past > AGAIN_MS || !existsSync(storeDir)) return;
      const aside = `${storeDir}.failed-${Date.now()}`;
      await rename(storeDir, aside);
      log.warn({ aside }, "the store has failed again and is put aside; writers fill a new one");
    });
  };
  const look = new Coalescer(async () => {
    failures = (await health.error()) === undefined ? 0 : failures + 1;
    if (failures >= FAILURES) await restart("it says so itself");
  });
  let stalled = "";
  const heal = new Coalescer(() => restart(`it takes no changes of the bucket "${stalled}"`));
  const reported = (error: unknown): void => log.warn({ err: error }, "nats-server cannot be looked after");
  let timer: NodeJS.Timeout;
  let hasEnded = false;
  const lookLater = (): void => {
    if (hasEnded) return;
    timer = setTimeout(
      () => void look.request().catch(reported).finally(lookLater),
      failures > 0 ? LOOK_AGAIN_MS : LOOK_MS,
    ).unref();
  };
  lookLater();
  const end = onStall((state) => {
    stalled = state;
    void heal.request().catch(reported);
  });
  return () => {
    hasEnded = true;
    clearTimeout(timer);
    end();
  };
}
