import { createHash } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import type { HandlerPolicy } from "@xebec/mixer-config";
import {
  type Adapter,
  type AdapterLog,
  type Clock,
  type Handler,
  type HandlerContext,
  type HealthState,
  handlerContext,
  type InstanceShape,
} from "@xebec/mixer-sdk";
import type { Path } from "@xebec/model-schema";
import { DispatchTable } from "./dispatch-stats.ts";
import { GuardedHandler, type HandlerState } from "./guarded-handler.ts";

/** A handler whose configuration is valid; it is built when a rule uses it. */
export interface CheckedHandler {
  /** As shown in messages: `<name>.<namespace>`, of a legacy kind `<name>.<kind>.<namespace>`. */
  readonly name: string;
  readonly adapter: Adapter;
  /** The effective configuration, defaults filled in. */
  readonly config: object;
  /** Where the parameters are in the object. */
  readonly paramsPath: Path;
  /** What happens when it fails or is late. */
  readonly policy: HandlerPolicy;
}

/** What became of handlers since the start (docs/reference/mixer.md §8.4). */
export interface HandlerCounts {
  created: number;
  reused: number;
  closed: number;
  buildFailures: number;
  closeFailures: number;
}

/** A built handler, shared by the snapshots that use it. */
export interface HandlerSlot {
  readonly name: string;
  readonly adapter: string;
  readonly handler: Handler;
}

interface Entry extends HandlerSlot {
  readonly handler: GuardedHandler;
  signature: string;
  /** Code that was loaded anew makes new handlers. */
  readonly code: Adapter;
  users: number;
  samePolicy(adapter: string, policy: HandlerPolicy): boolean;
}

/** What the service gives each handler besides: metrics, health, secrets. */
export type ContextOf = (adapter: Adapter, handler: string) => Partial<HandlerContext>;

/** Builds handlers, reuses those whose configuration did not change, and closes those that nothing uses any more. */
export class HandlerTable {
  readonly #clock: Clock;
  readonly #log: AdapterLog;
  readonly #entries = new Set<Entry>();
  readonly #current = new Map<string, Entry>();
  readonly #changed: () => void;
  readonly #contextOf: ContextOf;
  /** The calls of all handlers. */
  readonly dispatches: DispatchTable = new DispatchTable();
  readonly counts: HandlerCounts = { created: 0, reused: 0, closed: 0, buildFailures: 0, closeFailures: 0 };

  /** @param changed called when the health of a handler has changed */
  constructor(clock: Clock, log: AdapterLog, changed: () => void = () => undefined, contextOf: ContextOf = () => ({})) {
    this.#clock = clock;
    this.#log = log;
    this.#changed = changed;
    this.#contextOf = contextOf;
  }

  /** How the handlers do that are in use, by name. */
  states(): HandlerState[] {
    return [...this.#current.values()]
      .map((each) => each.handler.state)
      .sort((a, b) => (a.handler < b.handler ? -1 : 1));
  }

  /**
   * The handler for a valid configuration and the instances that are routed to it. Every success counts as a use until
   * `release`.
   * @param params what the instances are made of; with it and their types a handler is known to be the same
   * @throws XebecError unavailable when it cannot be built
   */
  async acquire(checked: CheckedHandler, instances: readonly InstanceShape[], params: unknown): Promise<HandlerSlot> {
    const { name, adapter, config, policy } = checked;
    const signature = createHash("sha1")
      .update(JSON.stringify([adapter.name, config, policy, params, instances]))
      .digest("hex");
    const known = this.#current.get(name);
    if (known?.signature === signature && known.code === adapter && this.#entries.has(known)) {
      known.users++;
      this.counts.reused++;
      return known;
    }
    let guarded: GuardedHandler | undefined;
    let early: [HealthState, string?] | undefined;
    const given = this.#contextOf(adapter, name);
    const context = handlerContext({
      ...given,
      handler: name,
      instances,
      log: this.#log,
      clock: this.#clock,
      health(...state) {
        given.health?.(...state);
        if (guarded) guarded.declare(...state);
        else early = state;
      },
    });
    if (
      known?.samePolicy(adapter.name, policy) &&
      known.code === adapter &&
      this.#entries.has(known) &&
      (await this.#reconfigure(known, config, context))
    ) {
      guarded = known.handler;
      known.signature = signature;
      known.users++;
      this.counts.reused++;
      return known;
    }
    let handler: Handler;
    try {
      handler = await adapter.create(config as never, context);
      await handler.start?.();
    } catch (error) {
      this.counts.buildFailures++;
      const why = error instanceof Error ? error.message : String(error);
      throw new XebecError("unavailable", `the adapter ${adapter.name} could not be started: ${why}`, { cause: error });
    }
    this.counts.created++;
    guarded = new GuardedHandler(handler, {
      ...{ name, adapter: adapter.name, policy, clock: this.#clock, stats: this.dispatches, changed: this.#changed },
    });
    if (early) guarded.declare(...early);
    const entry: Entry = {
      ...{ name, adapter: adapter.name, handler: guarded, signature, code: adapter, users: 1 },
      samePolicy: (of, wanted) => of === adapter.name && JSON.stringify(wanted) === JSON.stringify(policy),
    };
    this.#entries.add(entry);
    this.#current.set(name, entry);
    return entry;
  }

  /** Ends one use of handlers; the last one closes them. Errors are logged: nobody waits for them. */
  async release(slots: Iterable<HandlerSlot>): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const slot of slots) {
      const entry = slot as Entry;
      if (--entry.users > 0) continue;
      this.#entries.delete(entry);
      if (this.#current.get(entry.name) === entry) this.#current.delete(entry.name);
      closing.push(this.#close(entry));
    }
    await Promise.all(closing);
  }

  async #reconfigure({ name, handler }: Entry, config: object, context: HandlerContext): Promise<boolean> {
    try {
      return await handler.reconfigure(config, context);
    } catch (error) {
      this.#log.warn(
        { err: error, handler: name },
        "a handler could not take its new configuration over; another is made",
      );
      return false;
    }
  }

  async #close({ name, handler }: Entry): Promise<void> {
    try {
      await handler.close();
      this.counts.closed++;
    } catch (error) {
      this.counts.closeFailures++;
      this.#log.error({ err: error, handler: name }, "a handler failed to close");
    }
  }
}
