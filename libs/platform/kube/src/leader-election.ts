import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type Component, compose } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { KubeClient } from "./client.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./kube-error.ts";
import { apiVersionOf, type KubeObject, RESOURCES } from "./resource-type.ts";

const log = logger("leader");

/** When a leader does what, in milliseconds. All replicas have the same. */
export interface LeaseTimes {
  /** Others take the lease when they have not seen it renewed for so long. */
  readonly durationMs: number;
  /** A leader that could not renew it for so long gives up: earlier than others take it. */
  readonly renewWithinMs: number;
  /** How often a leader renews it; others look twice as often, and when it runs out. */
  readonly everyMs: number;
}

/** Short: what the leader does is done by nobody while it changes. */
export const LEASE_TIMES: LeaseTimes = { durationMs: 4_000, renewWithinMs: 3_000, everyMs: 1_000 };

/** The time in which somebody leads. */
export interface Term {
  /** The number of changes of the leader before it: grows with each leader, so that what an earlier one still writes is known as old. */
  readonly number: number;
  /** Aborts when the lease is lost or given back: nothing may be written after it. */
  readonly signal: AbortSignal;
}

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Of the Lease: what the leader leads. */
  readonly lease: string;
  /** Of this replica, unlike that of every other: the pod's name. */
  readonly identity: string;
  /** What the leader does; made anew for each term, closed when it ends. */
  lead(term: Term): readonly Component[];
  readonly times?: LeaseTimes;
}

/** Lets one of several replicas do something. */
export interface LeaderElection extends Component {
  /** Undefined while another replica leads. */
  readonly term: Term | undefined;
  missing(): readonly string[];
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** RFC 3339 with microseconds, as `renewTime`. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

/**
 * Elects a leader by a Lease, as Kubernetes' own controllers do: clocks of different machines are never compared.
 *
 * | State | Meaning | Leaves it |
 * |---|---|---|
 * | standing by | another replica holds the lease, or nobody could ask | it was given back, or not renewed for `durationMs` since this one saw it change |
 * | leading | the components of `lead` run, and the lease is renewed | it could not be renewed within `renewWithinMs`, or another replica has it |
 * | ending | the components are closed; nothing is renewed | they are closed: standing by. At the end of the process the lease is given back |
 */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new Election(options);
}

class Election implements LeaderElection {
  readonly name: string;
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #term: Term | undefined;
  #work: Component | undefined;
  /** The lease as it was seen last, and when it was seen to change, by the clock of this process. */
  #seen: { readonly version: string; readonly at: number } | undefined;
  #isAsked = false;
  #problem: string | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? LEASE_TIMES;
    this.name = `leader ${options.lease}`;
  }

  get term(): Term | undefined {
    return this.#term;
  }

  missing(): readonly string[] {
    if (!this.#isAsked)
      return [`the lease ${this.#options.lease} is unknown${this.#problem ? `: ${this.#problem}` : ""}`];
    return this.#work?.missing?.() ?? [];
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const held = await this.#try(signal, this.#times.renewWithinMs);
      if (held) await this.#lead(held, signal);
      else await sleep(this.#pause(), signal);
    }
  }

  /** Until the next look of a replica that does not lead: seen late, a lease would run out late. */
  #pause(): number {
    const next = this.#times.everyMs * (0.4 + Math.random() / 5);
    const left = this.#seen ? this.#seen.at + this.#times.durationMs - performance.now() : next;
    return left > 0 ? Math.min(next, left + 1) : next;
  }

  async #lead(held: Lease, signal: AbortSignal): Promise<void> {
    const { lease, identity } = this.#options;
    const lost = new AbortController();
    const term = { number: held.spec?.leaseTransitions ?? 0, signal: AbortSignal.any([signal, lost.signal]) };
    log.info({ lease, identity, term: term.number }, "leading");
    this.#term = term;
    const renewing = this.#renew(term.signal).then(() => lost.abort());
    const work = compose(lease, this.#options.lead(term));
    this.#work = work;
    try {
      await work.start(term.signal);
      await renewing;
    } catch (error) {
      log.error({ err: error, lease }, "what the leader does could not start; another replica may try");
      lost.abort();
      await renewing;
    }
    this.#term = undefined;
    try {
      await work.close?.();
    } catch (error) {
      log.error({ err: error, lease }, "what the leader did could not be ended well");
    }
    this.#work = undefined;
    log.info({ lease, identity, term: term.number }, "not leading any more");
    // Given back also after a failed start: another replica may be luckier.
    await this.#release();
    if (!signal.aborted) await sleep(this.#times.everyMs, signal);
  }

  /** Renews the lease until that is too late, somebody else has it, or the signal aborts. */
  async #renew(signal: AbortSignal): Promise<void> {
    let renewed = performance.now();
    while (!signal.aborted) {
      await sleep(this.#times.everyMs, signal);
      if (signal.aborted) return;
      const left = this.#times.renewWithinMs - (performance.now() - renewed);
      const began = performance.now();
      const held = left > 0 ? await this.#try(signal, left) : undefined;
      // From the time before the request: others may have seen it from then on.
      if (held) renewed = began;
      else if (held === null || performance.now() - renewed >= this.#times.renewWithinMs) return;
    }
  }

  /**
   * Takes or renews the lease.
   * @returns null when another replica holds it, undefined when the server cannot be asked or somebody was faster
   */
  async #try(signal: AbortSignal, timeoutMs: number): Promise<Lease | null | undefined> {
    try {
      const held = await this.#acquire(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutMs))]));
      this.#isAsked = true;
      this.#problem = undefined;
      return held;
    } catch (error) {
      if (signal.aborted) return undefined;
      // Somebody else has written it: the next look shows who.
      if (isConflict(error) || isAlreadyExists(error)) {
        this.#isAsked = true;
        return undefined;
      }
      const { message } = XebecError.from(error);
      if (message !== this.#problem) log.warn({ err: error, lease: this.#options.lease }, message);
      this.#problem = message;
      return undefined;
    }
  }

  async #acquire(signal: AbortSignal): Promise<Lease | null> {
    const { client, identity, namespace, lease: name } = this.#options;
    const now = microTime();
    const seconds = Math.ceil(this.#times.durationMs / 1_000);
    const found = await client.get<Lease>(RESOURCES.leases, { namespace, name }, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const mine = { holderIdentity: identity, leaseDurationSeconds: seconds, renewTime: now };
    if (!found) {
      const made = {
        ...{ apiVersion: apiVersionOf(RESOURCES.leases), kind: RESOURCES.leases.kind, metadata: { namespace, name } },
        spec: { ...mine, acquireTime: now, leaseTransitions: 0 },
      };
      return this.#saw(await client.create<Lease>(RESOURCES.leases, made, signal));
    }
    this.#saw(found);
    const { spec = {} } = found;
    const isMine = spec.holderIdentity === identity;
    if (!isMine && spec.holderIdentity && !this.#isExpired(spec)) return null;
    const next = {
      ...found,
      spec: {
        ...spec,
        ...mine,
        ...(isMine && this.#term ? {} : { acquireTime: now, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 }),
      },
    };
    return this.#saw(await client.replace<Lease>(RESOURCES.leases, next, signal));
  }

  /** Not renewed for its duration since it was seen to change: whoever holds it has given up by then. */
  #isExpired({ leaseDurationSeconds }: LeaseSpec): boolean {
    const duration = (leaseDurationSeconds ?? 0) * 1_000 || this.#times.durationMs;
    return this.#seen !== undefined && performance.now() - this.#seen.at > duration;
  }

  #saw(lease: Lease): Lease {
    const version = lease.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, at: performance.now() };
    return lease;
  }

  /** Gives the lease back, so that others need not wait. */
  async #release(): Promise<void> {
    const { client, namespace, lease: name, identity } = this.#options;
    const signal = AbortSignal.timeout(2_000);
    try {
      const found = await client.get<Lease>(RESOURCES.leases, { namespace, name }, signal);
      if (found.spec?.holderIdentity !== identity) return;
      const spec = { ...found.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime() };
      await client.replace(RESOURCES.leases, { ...found, spec }, signal);
    } catch (error) {
      log.info({ err: error, lease: name }, "the lease could not be given back; it runs out");
    }
  }
}

/** Now, as Kubernetes writes it in leases. */
function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
