import { Coalescer, sleep, Turns } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import type { ConfigPosition } from "@xebec/model-resources";
import { type InUse, objectConditions, type Snapshot } from "@xebec/pilot-snapshot";
import type { Bus, ConditionUpdate } from "@xebec/platform-bus";
import { createConditions } from "@xebec/platform-bus";
import { FactExchange } from "../replicas/fact-exchange.ts";
import { mergedFacts, type ReplicaFacts } from "../replicas/facts.ts";
import type { Replicas } from "../replicas/replicas.ts";
import type { Nack } from "../server/nacks.ts";
import type { XdsServer } from "../server/xds-server.ts";
import { ObjectsInUse } from "./objects-in-use.ts";

/** Conditions follow a change after this pause, so that a burst of changes is reported once. */
const PAUSE_MS = 100;
/** A copy of pilot that did not answer is asked again after this pause. */
const RETRY_MS = 1_000;
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
 * objects that are gone since are deleted. Of several copies of pilot the leading one writes for all: conditions are made of what the proxies of
 * all copies say, and pilot is as far as the slowest of them.
 */
export function conditionWriter(server: XdsServer, bus: Bus, replicas?: Replicas): ConditionWriter {
  let conditions = createConditions(bus, "pilot");
  /** What this copy knows of the bucket is true only while nobody else writes there. */
  let isWriter = true;
  const stop = new AbortController();
  let position: ConfigPosition | undefined;
  let timer: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  const inUse = new ObjectsInUse(server, () => void run.request());
  /** What this copy of pilot knows. */
  const ownFacts = async (turns: Turns): Promise<ReplicaFacts> => {
    const at = position;
    const routers = [...server.connections]
      .filter((each) => each.authenticated && each.proxy.type === "router")
      .map((each) => each.proxy.labels);
    const use = await inUse.find(turns);
    return { position: at, routers, nacks: server.currentNacks, use };
  };
  const exchange =
    replicas &&
    new FactExchange(
      bus,
      replicas,
      () => ownFacts(new Turns()),
      () => void run.request(),
    );
  const run = new Coalescer(async () => {
    await sleep(PAUSE_MS, stop.signal);
    const snapshot = server.generator?.snapshot;
    if (!snapshot || stop.signal.aborted) return;
    // What copies of pilot say of an object is one condition, and one of them writes it.
    if (replicas && !replicas.isLeader) {
      isWriter = false;
      exchange?.tell();
      return;
    }
    if (!isWriter) conditions = createConditions(bus, "pilot");
    isWriter = true;
    const turns = new Turns();
    const others = await exchange?.ofOthers();
    if (others === "incomplete") {
      again = setTimeout(() => void run.request(), RETRY_MS).unref();
      return;
    }
    const { position: at, routers, nacks, use } = mergedFacts([await ownFacts(turns), ...(others ?? [])]);
    const updates: ConditionUpdate[] = [];
    for (const each of conditionsOf(snapshot, routers, nacks, use)) {
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
      exchange?.listen();
      replicas?.onChange(() => void run.request());
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
      clearTimeout(again);
      exchange?.end();
      inUse.close();
    },
  };
}
