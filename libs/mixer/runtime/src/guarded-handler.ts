import { XebecError } from "@xebec/core-errors";
import type { HandlerPolicy } from "@xebec/mixer-config";
import type {
  AttributeValue,
  CheckResult,
  Clock,
  Handler,
  HandlerContext,
  Instance,
  QuotaArgs,
  QuotaResult,
} from "@xebec/mixer-sdk";
import { Breaker, type Health, type HealthReport } from "./breaker.ts";
import type { DispatchStats, DispatchTable } from "./dispatch-stats.ts";

export interface GuardOptions {
  readonly name: string;
  readonly adapter: string;
  readonly policy: HandlerPolicy;
  readonly clock: Clock;
  readonly stats: DispatchTable;
  /** Called when the handler's health has changed. */
  readonly changed: () => void;
}

/** How a handler does, as data. */
export interface HandlerState extends HealthReport {
  readonly handler: string;
  readonly adapter: string;
  readonly failure: HandlerPolicy["failure"];
  readonly timeoutMs: { readonly check: number; readonly report: number };
  /** Calls that wait for an answer. */
  readonly waiting: number;
  readonly calls: number;
  readonly errors: number;
  /** Calls that were not made: the circuit was open, or too many waited. */
  readonly withheld: number;
}

/** Milliseconds that an answer may take when nothing is declared. */
const TIMEOUT_MS = { check: 5_000, report: 30_000 };
/** Most calls of a handler that wait at once: what waits is held in memory. */
const MOST_WAITING = 1_000;

const NOT_ASKED: CheckResult = { code: 0, message: "", validMs: 0, validUses: 0 };
const UNAVAILABLE = 14;
const RANK: Readonly<Record<Health, number>> = { ready: 0, degraded: 1, failing: 2 };

/** Values of a template's output by their keys. */
type Output = Readonly<Record<string, AttributeValue>>;

/**
 * A handler behind its declared behaviour: an answer in time, or what its failure mode says. A handler that is late or unreachable
 * again and again is left alone for a while (`Breaker`), and what waits for it is bounded.
 */
export class GuardedHandler implements Handler {
  readonly check?: (instance: Instance, template: string) => CheckResult | Promise<CheckResult>;
  readonly report?: (instances: readonly Instance[], template: string) => void | Promise<void>;
  readonly quota?: (instance: Instance, args: QuotaArgs) => QuotaResult | Promise<QuotaResult>;
  readonly attributes?: (instance: Instance, template: string) => Output | Promise<Output>;
  readonly #inner: Handler;
  readonly #options: GuardOptions;
  readonly #breaker: Breaker;
  readonly #good = new Map<string, DispatchStats>();
  readonly #bad = new Map<string, DispatchStats>();
  #own: HealthReport = { health: "ready" };
  #waiting = 0;
  #withheld = 0;

  constructor(inner: Handler, options: GuardOptions) {
    this.#inner = inner;
    this.#options = options;
    const { failure, failures, pauseMs } = options.policy;
    this.#breaker = new Breaker(() => performance.now(), failures, pauseMs);
    if (inner.check)
      this.check = (instance, template) =>
        this.#call(
          template,
          this.#timeout("check"),
          () => (inner.check as NonNullable<Handler["check"]>)(instance, template),
          (error) => {
            if (failure === "open") return NOT_ASKED;
            if (failure === "caller") throw error;
            return { code: UNAVAILABLE, message: error.message, validMs: 0, validUses: 0 };
          },
        );
    if (inner.quota)
      this.quota = (instance, args) =>
        this.#call(
          "quota",
          this.#timeout("check"),
          () => (inner.quota as NonNullable<Handler["quota"]>)(instance, args),
          (error) => {
            if (failure === "open") return { amount: args.amount, validMs: 0 };
            throw error;
          },
        );
    if (inner.attributes)
      this.attributes = (instance, template) =>
        this.#call(
          template,
          this.#timeout("check"),
          () => (inner.attributes as NonNullable<Handler["attributes"]>)(instance, template),
          (error) => {
            if (failure === "open") return {};
            throw error;
          },
        );
    if (inner.report)
      this.report = (instances, template) =>
        this.#call(
          template,
          this.#timeout("report"),
          () => (inner.report as NonNullable<Handler["report"]>)(instances, template),
          (error) => {
            if (failure !== "open") throw error;
          },
        );
  }

  /** What the handler says of itself; the worse of that and of what its calls say counts. */
  declare(health: Health, why?: string): void {
    const before = this.#report.health;
    this.#own = { health, ...(why === undefined ? {} : { why }) };
    if (this.#report.health !== before) this.#options.changed();
  }

  /** Takes a new configuration over. @returns whether the handler did; another one is needed otherwise */
  async reconfigure(config: object, context: HandlerContext): Promise<boolean> {
    return (await this.#inner.reconfigure?.(config as never, context)) === true;
  }

  close(): void | Promise<void> {
    return this.#inner.close?.();
  }

  get state(): HandlerState {
    const { name, adapter, policy } = this.#options;
    const count = (all: Iterable<DispatchStats>): number => [...all].reduce((sum, each) => sum + each.count, 0);
    const errors = count(this.#bad.values());
    return {
      handler: name,
      adapter,
      ...this.#report,
      failure: policy.failure,
      timeoutMs: { check: this.#timeout("check"), report: this.#timeout("report") },
      waiting: this.#waiting,
      calls: count(this.#good.values()) + errors,
      errors,
      withheld: this.#withheld,
    };
  }

  get #report(): HealthReport {
    const { report } = this.#breaker;
    return RANK[this.#own.health] > RANK[report.health] ? this.#own : report;
  }

  #timeout(sort: keyof typeof TIMEOUT_MS): number {
    return this.#options.policy.timeoutMs ?? TIMEOUT_MS[sort];
  }

  #call<T>(
    template: string,
    timeoutMs: number,
    work: () => T | Promise<T>,
    instead: (error: Error) => T,
  ): T | Promise<T> {
    if (!this.#breaker.admits()) return this.#withhold(template, "it did not answer lately", instead);
    if (this.#waiting >= MOST_WAITING) return this.#withhold(template, `${MOST_WAITING} calls wait for it`, instead);
    const since = performance.now();
    let result: T | Promise<T>;
    try {
      result = work();
    } catch (thrown) {
      return instead(this.#failed(template, since, thrown, false));
    }
    if (!isPromise(result)) {
      this.#succeeded(template, since);
      return result;
    }
    return this.#wait(template, timeoutMs, since, result, instead);
  }

  #wait<T>(
    template: string,
    timeoutMs: number,
    since: number,
    promise: Promise<T>,
    instead: (error: Error) => T,
  ): Promise<T> {
    this.#waiting++;
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const end = (finish: () => void): void => {
        if (settled) return;
        settled = true;
        stop();
        this.#waiting--;
        finish();
      };
      const fail = (thrown: unknown): void =>
        end(() => {
          try {
            resolve(instead(this.#failed(template, since, thrown, true)));
          } catch (error) {
            reject(error);
          }
        });
      const late = (): void => {
        stop();
        // An answer that is here already and was not read yet, because this process was busy, is in time.
        setImmediate(() => fail(this.#error(`did not answer within ${timeoutMs}ms`)));
      };
      const stop = this.#options.clock.every(timeoutMs, late);
      promise.then(
        (value) =>
          end(() => {
            this.#succeeded(template, since);
            resolve(value);
          }),
        fail,
      );
    });
  }

  #withhold<T>(template: string, reason: string, instead: (error: Error) => T): T {
    this.#withheld++;
    const { why } = this.#breaker.report;
    this.#stats(this.#bad, template, true).add(0);
    return instead(this.#error(`was not asked: ${reason}${why === undefined ? "" : ` (${why})`}`));
  }

  #succeeded(template: string, since: number): void {
    this.#stats(this.#good, template, false).add(performance.now() - since);
    if (this.#breaker.succeeded()) this.#options.changed();
  }

  #failed(template: string, since: number, thrown: unknown, costly: boolean): Error {
    this.#stats(this.#bad, template, true).add(performance.now() - since);
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    if (this.#breaker.failed(why, costly)) this.#options.changed();
    return thrown instanceof Error ? thrown : new Error(why);
  }

  #error(why: string): XebecError {
    return new XebecError("unavailable", `the handler ${this.#options.name} ${why}`);
  }

  #stats(known: Map<string, DispatchStats>, template: string, error: boolean): DispatchStats {
    let stats = known.get(template);
    if (!stats) {
      const { name, adapter, stats: table } = this.#options;
      stats = table.of(template, name, adapter, error);
      known.set(template, stats);
    }
    return stats;
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}
