import { Coalescer, sleep, Turns } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import type { ConfigPosition } from "@xebec/model-resources";
import { type InUse, objectConditions, type Snapshot } from "@xebec/pilot-snapshot";
import type { Bus, ConditionUpdate } from "@xebec/platform-bus";
import { createConditions } from "@xebec/platform-bus";
import type { Nack } from "../server/nacks.ts";
import type { XdsServer } from "../server/xds-server.ts";
import { ObjectsInUse } from "./objects-in-use.ts";

/** Conditions follow a change after this pause, so that a burst of changes is reported once. */
const PAUSE_MS = 100;
/** Certificates end without any change: what they mean is looked at so often. */
const RECHECK_MS = 600_000;

/** The condition of every object that pilot reads: where it is attached, or which proxy rejected it and why. */
export function* conditionsOf(
  snapshot: Snapshot,
  routers: readonly Readonly<Record<string, string>>[],
  nacks: ReadonlyMap<string, Nack>,
  use?: InUse,
): Generator<ConditionUpdate> {
  for (const each of objectConditions(snapshot, { routers, use })) {
    const nack = nacks.get(each.key);
    yield {
      object: each.key,
      ...(nack ? { reason: "ProxyRejected", message: nackText(nack) } : { reason: each.reason, message: each.message }),
      observedGeneration: snapshot.generations.get(each.key),
      ...(each.addresses ? { addresses: each.addresses } : {}),
    };
  }
}

/** Who rejects, so that one workload that rejects everything is seen to be the one. */
function nackText({ proxy, message, count, of }: Nack): string {
  const others = count > 1 ? ` and ${count - 1} more` : "";
  return `${proxy}${others} (${count} of ${of} ${of === 1 ? "proxy" : "proxies"}): ${message}`;
}

export interface ConditionWriter extends Component {
  /** Something changed that conditions may depend on. */
  changed(): void;
  /** A proxy has come or gone. */
  proxiesChanged(): void;
  /** Every proxy was sent what comes of the configuration up to here. */
  reached(position: ConfigPosition): void;
}

/**
 * Keeps pilot's conditions of objects in the bucket `status`. Those of an earlier process for
 * objects that are gone since are deleted.
 */
export function conditionWriter(server: XdsServer, bus: Bus): ConditionWriter {
  const conditions = createConditions(bus, "pilot");
  const stop = new AbortController();
  let position: ConfigPosition | undefined;
  let timer: NodeJS.Timeout | undefined;
  const inUse = new ObjectsInUse(server, () => void run.request());
  const run = new Coalescer(async () => {
    await sleep(PAUSE_MS, stop.signal);
    const snapshot = server.generator?.snapshot;
    if (!snapshot || stop.signal.aborted) return;
    const at = position;
    const routers = [...server.connections]
      .filter((each) => each.authenticated && each.proxy.type === "router")
      .map((each) => each.proxy.labels);
    const turns = new Turns();
    const use = await inUse.find(turns);
    const updates: ConditionUpdate[] = [];
    for (const each of conditionsOf(snapshot, routers, server.currentNacks, use)) {
      updates.push(each);
      conditions.set(each);
      await turns.next();
    }
    if (stop.signal.aborted) return;
    conditions.replace(updates);
    if (at) void conditions.observed(at);
  });
  return {
    name: "conditions",
    async start() {
      void run.request();
      timer = setInterval(() => void run.request(), RECHECK_MS).unref();
    },
    changed: () => void run.request(),
    proxiesChanged: () => inUse.changed(),
    reached(next) {
      position = next;
      void run.request();
    },
    async close() {
      stop.abort();
      clearInterval(timer);
      inUse.close();
    },
  };
}
