import { XebecError } from "@xebec/core-errors";
import {
  type Adapter,
  type AdapterInfo,
  type AdapterLog,
  type Clock,
  type HandlerLimits,
  systemClock,
  type Variety,
} from "@xebec/mixer-sdk";
import { checkExpression } from "@xebec/model-expr";
import type { Resource } from "@xebec/model-resources";
import { compileConfig } from "./compile-config.ts";
import { type CompiledCondition, type Condition, withHealth, withQuotas } from "./condition.ts";
import type { DispatchStats } from "./dispatch-stats.ts";
import type { HandlerState } from "./guarded-handler.ts";
import { type ContextOf, type HandlerCounts, HandlerTable } from "./handlers.ts";
import type { RemoteFactory } from "./read-objects.ts";
import { type RecordedBag, Recorder } from "./recorder.ts";
import type { Snapshot } from "./snapshot.ts";

export interface RuntimeOptions {
  /** Those that run here; read with each `apply`. */
  readonly adapters: readonly Adapter[];
  /** What this service does: objects of other varieties are of no concern to it. */
  readonly varieties: readonly Variety[];
  /** Rules of this namespace hold for all requests (`istio-system`). */
  readonly defaultNamespace?: string;
  /** The descriptions of all adapters of the mesh, by name; those of `adapters` when left out. */
  readonly catalogue?: ReadonlyMap<string, AdapterInfo> | (() => ReadonlyMap<string, AdapterInfo>);
  /** What handlers may reach; absent: whatever there is. */
  readonly limits?: HandlerLimits;
  /** Whether handlers may be of a kind that is an adapter's name (true). */
  readonly legacyHandlers?: boolean;
  /** Attributes that bags must be able to give although no expression reads them. */
  readonly inputs?: readonly string[];
  readonly log: AdapterLog;
  readonly clock?: Clock;
  /** Called when the health of a handler has changed, or a quota is asked for the first time: conditions differ then. */
  readonly changed?: () => void;
  /** What the service gives each handler besides. */
  readonly contextOf?: ContextOf;
  /** Makes adapters that run elsewhere; absent: there are none. */
  readonly remote?: RemoteFactory;
}

/** Holds the current snapshot and replaces it when the configuration changes. */
export class MixerRuntime {
  readonly #options: RuntimeOptions;
  readonly #table: HandlerTable;
  #snapshot: Snapshot | undefined;
  #applying: Promise<unknown> = Promise.resolve();
  #conditions: readonly CompiledCondition[] = [];
  /** Quotas that were asked for by name, as far as no proxy asks for them. */
  readonly #asked = new Set<string>();
  #unasked: ReadonlySet<string> = new Set();
  #resources: readonly Resource[] = [];
  readonly #recorder = new Recorder();

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { clock = systemClock, log, changed, contextOf } = options;
    this.#table = new HandlerTable(clock, log, changed, contextOf);
  }

  /** The configuration in effect; undefined before the first `apply`. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** What became of each object of the configuration in effect. */
  get conditions(): readonly Condition[] {
    return withHealth(withQuotas(this.#conditions, this.#asked), this.handlers);
  }

  /** The objects of the configuration in effect. */
  get resources(): readonly Resource[] {
    return this.#resources;
  }

  /** How the handlers do that are in use. */
  get handlers(): readonly HandlerState[] {
    return this.#table.states();
  }

  /** What became of handlers since the start. */
  get handlerCounts(): Readonly<HandlerCounts> {
    return this.#table.counts;
  }

  /** The calls of handlers since the start. */
  get dispatches(): Iterable<DispatchStats> {
    return this.#table.dispatches.all();
  }

  /**
   * Puts a whole configuration into effect. Calls are taken one after the other; requests in flight finish on the
   * snapshot on which they began.
   * @returns one condition per object that concerns this service
   */
  apply(resources: Iterable<Resource>): Promise<readonly Condition[]> {
    const all = [...resources];
    return this.#compile(() => all);
  }

  /**
   * Shows the attributes of requests as rules see them. Meanwhile all attributes are read, whatever rules need.
   * @param match an expression: only requests for which it is true are taken
   * @returns ends the recording
   * @throws XebecError resource_exhausted when there are too many recordings; unavailable before there is a configuration; invalid_argument for an
   * expression that is none, or no condition
   */
  async record(match: string | undefined, take: (bag: RecordedBag) => void): Promise<() => Promise<void>> {
    const { snapshot } = this;
    if (!snapshot) throw new XebecError("unavailable", "the configuration is not there yet; try again");
    try {
      if (match !== undefined) checkExpression(match, snapshot.layout.vocabulary, "BOOL");
    } catch (error) {
      throw new XebecError("invalid_argument", `match: ${(error as Error).message}`);
    }
    const end = this.#recorder.add(match, take);
    const again = (): Promise<unknown> => this.#compile(() => this.#resources);
    await again();
    return async () => {
      end();
      if (!this.#recorder.active) await again();
    };
  }

  /** Puts objects into effect, when those before are. */
  #compile(objects: () => readonly Resource[]): Promise<readonly Condition[]> {
    const next = this.#applying.then(async () => {
      const all = objects();
      const {
        adapters,
        varieties,
        catalogue,
        limits,
        defaultNamespace = "istio-system",
        inputs = [],
        legacyHandlers = true,
        log,
      } = this.#options;
      const here = new Map(adapters.map((each) => [each.name, each]));
      const { snapshot, conditions } = await compileConfig(all, {
        adapters: here,
        catalogue: (typeof catalogue === "function" ? catalogue() : catalogue) ?? here,
        limits,
        varieties: new Set(varieties),
        defaultNamespace,
        inputs,
        legacyHandlers,
        remote: this.#options.remote,
        recorder: this.#recorder,
        table: this.#table,
        log,
        asked: (quota) => this.#noteQuota(quota),
      });
      const before = this.#snapshot;
      this.#snapshot = snapshot;
      this.#conditions = conditions.list();
      this.#unasked = new Set(this.#conditions.flatMap(({ unasked = [] }) => unasked));
      this.#resources = all;
      await before?.release();
      return this.conditions;
    });
    this.#applying = next.catch(() => undefined);
    return next;
  }

  #noteQuota(quota: string): void {
    if (this.#unasked.size === 0) return;
    const name = quota.toLowerCase();
    if (!this.#unasked.has(name) || this.#asked.has(name)) return;
    this.#asked.add(name);
    this.#options.changed?.();
  }

  /** Ends: handlers are closed after their last call. */
  async close(): Promise<void> {
    await this.#applying;
    const before = this.#snapshot;
    this.#snapshot = undefined;
    await before?.release();
  }
}
