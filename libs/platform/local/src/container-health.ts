import { backoff, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import type { ProcessId } from "@xebec/platform-process";
import { type ActionPlace, act, actionTarget } from "./container-action.ts";
import type { ManagedProcess } from "./managed-process.ts";
import type { Probe } from "./manifest-objects.ts";
import { isOwn } from "./readiness.ts";

const log = logger("local");

/** Kubernetes' defaults, in seconds and times. */
const DEFAULTS = {
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
} as const;
/** How soon a container that is not ready yet is asked again: a laptop's user waits for it. */
const SOON = { baseMs: 50, maxMs: 1_000 };

export interface HealthOptions {
  readonly managed: ManagedProcess;
  readonly place: ActionPlace;
  /** The process whose processes must hold a port that is asked, by the port's address. */
  readonly holderOf: (host: string) => ManagedProcess;
  /** Ready until a probe says otherwise: an earlier supervisor found it so. */
  readonly wasReady: boolean;
  /** A process that is replaced leaves what answers the probes running. */
  readonly survives: boolean;
  /** Readiness has changed. */
  changed(): void;
  /** The container has failed its startup or liveness probe. */
  failed(probe: Probe): void;
}

/**
 * The startup, readiness and liveness of one container, as kubelet finds them: no other probe before the startup probe has
 * succeeded once, a failed startup or liveness probe restarts the container, a failed readiness probe takes it out of service.
 * Without a readiness probe its first port has to be open once. Unlike kubelet it asks more often than the period says while it
 * waits for the first success; failures count once a period.
 */
export class ContainerHealth {
  readonly #options: HealthOptions;
  #process: ProcessId | undefined;
  #life: AbortController | undefined;
  #adopted: boolean;
  ready: boolean;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#adopted = options.wasReady;
    this.ready = options.wasReady;
  }

  /** The process's process may be another one now, or none. */
  processChanged(): void {
    const { managed, survives } = this.#options;
    const now = managed.id;
    // It ended while nobody looked.
    if (!now && !survives) this.#adopted = false;
    if (!now && !this.#life && !this.#adopted) this.#set(false);
    if (now === this.#process) return;
    const isFirst = this.#process === undefined;
    this.#process = now;
    if (survives && this.#life) return;
    this.#life?.abort();
    if (!now) {
      this.#set(false);
      return;
    }
    const wasReady = this.#adopted && isFirst;
    this.#adopted = false;
    this.#life = new AbortController();
    void this.#live(this.#life.signal, wasReady).catch((error: unknown) =>
      log.error({ err: error, process: managed.spec.name }, "the probes of the container have ended"),
    );
  }

  /** No probe is sent any more. */
  stop(): void {
    this.#life?.abort();
    this.ready = false;
  }

  /** As `stop`, for a supervisor that goes: what was known stays. */
  release(): void {
    this.#life?.abort();
  }

  #set(ready: boolean): void {
    if (ready === this.ready) return;
    this.ready = ready;
    this.#options.changed();
  }

  async #live(signal: AbortSignal, wasReady: boolean): Promise<void> {
    const { startupProbe, livenessProbe } = this.#options.place.container;
    if (!wasReady) {
      this.#set(false);
      if (startupProbe && !(await this.#starts(startupProbe, signal))) return;
    }
    await Promise.all([this.#readiness(signal), livenessProbe && this.#liveness(livenessProbe, signal)]);
  }

  /** @returns false when it was given up */
  async #starts(probe: Probe, signal: AbortSignal): Promise<boolean> {
    const { initialDelaySeconds, periodSeconds, failureThreshold } = withDefaults(probe);
    await sleep(initialDelaySeconds * 1_000, signal);
    const until = performance.now() + periodSeconds * failureThreshold * 1_000;
    for (let attempt = 0; !signal.aborted; attempt++) {
      if (await this.#ask(probe, signal)) return !signal.aborted;
      if (signal.aborted) break;
      if (performance.now() >= until) {
        this.#options.failed(probe);
        return false;
      }
      await sleep(Math.min(backoff(attempt, SOON), periodSeconds * 1_000), signal);
    }
    return false;
  }

  async #readiness(signal: AbortSignal): Promise<void> {
    const given = this.#options.place.container.readinessProbe;
    const probe = given ?? this.#firstPort();
    if (!probe) {
      this.#set(true);
      return;
    }
    const { initialDelaySeconds, periodSeconds, successThreshold, failureThreshold } = withDefaults(probe);
    if (!this.ready) await sleep(initialDelaySeconds * 1_000, signal);
    let good = 0;
    let bad = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const answer = await this.#ask(probe, signal);
      if (signal.aborted) return;
      good = answer ? good + 1 : 0;
      bad = answer ? 0 : bad + 1;
      if (answer ? good >= successThreshold : bad >= failureThreshold) this.#set(answer);
      // A port that is open stays so as long as the process lives.
      if (!given && this.ready) return;
      if (this.ready) attempt = 0;
      const period = periodSeconds * 1_000;
      await sleep(this.ready || answer ? period : Math.min(backoff(attempt, SOON), period), signal);
    }
  }

  async #liveness(probe: Probe, signal: AbortSignal): Promise<void> {
    const { initialDelaySeconds, periodSeconds, failureThreshold } = withDefaults(probe);
    await sleep(initialDelaySeconds * 1_000, signal);
    for (let bad = 0; !signal.aborted; ) {
      bad = (await this.#ask(probe, signal)) ? 0 : bad + 1;
      if (signal.aborted) return;
      if (bad >= failureThreshold) {
        this.#options.failed(probe);
        return;
      }
      await sleep(periodSeconds * 1_000, signal);
    }
  }

  async #ask(probe: Probe, signal: AbortSignal): Promise<boolean> {
    const { place, managed, holderOf } = this.#options;
    try {
      if (!(await act(probe, place, withDefaults(probe).timeoutSeconds * 1_000, signal))) return false;
      const target = actionTarget(probe, place);
      // An answer of somebody else's process says nothing of this one.
      return (
        !target ||
        (target.host !== place.host && target.host !== place.proxyHost) ||
        isOwn(holderOf(target.host).holder(target.host, target.port))
      );
    } catch (error) {
      log.debug({ err: error, process: managed.spec.name }, "a probe could not be made");
      return false;
    }
  }

  #firstPort(): Probe | undefined {
    const port = this.#options.place.container.ports?.[0]?.containerPort;
    return port === undefined ? undefined : { tcpSocket: { port } };
  }
}

function withDefaults(probe: Probe): { [K in keyof typeof DEFAULTS]: number } {
  const given = Object.entries(probe).filter(([, value]) => typeof value === "number");
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
