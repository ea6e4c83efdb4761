import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { PodRecord } from "@xebec/model-workloads";
import { POD_UID_ENV, processesWithEnv, signalProcess } from "@xebec/platform-process";
import type { ActionPlace } from "./container-action.ts";
import { ContainerHealth } from "./container-health.ts";
import { containerProcess, PROXY } from "./container-process.ts";
import { type AdmittedPod, injectPod } from "./injection.ts";
import { ManagedProcess } from "./managed-process.ts";
import type { ContainerSpec, Probe } from "./manifest-objects.ts";
import { type EndingContainer, endContainers } from "./pod-end.ts";
import type { PodFacts } from "./pod-environment.ts";
import type { PodHost } from "./pod-host.ts";
import { drainProxy, type ProxyPlace, requestsIn } from "./pod-requests.ts";
import { materializeVolumes, refreshVolumes } from "./pod-volumes.ts";
import type { ProcessBefore } from "./process-spec.ts";
import type { PodState } from "./state-file.ts";

const log = logger("local");

/** Kubernetes' default, in seconds. */
const GRACE_SECONDS = 30;
const ADMIN_PORT = 15_000;
const STATUS_PORT = 15_020;
/** Of the proxy of a pod that says nothing of it: Envoy's own readiness. */
const PROXY_PROBE: Probe = {
  httpGet: { path: "/healthz/ready", port: 15_021 },
  periodSeconds: 15,
  failureThreshold: 4,
};

interface RunningContainer extends EndingContainer {
  readonly health: ContainerHealth;
}

/** One pod: admitted, its volumes written, its containers running and probed until it is ended. */
export class PodRunner {
  readonly state: PodState;
  readonly #host: PodHost;
  readonly #inject: boolean;
  readonly #containers: RunningContainer[] = [];
  readonly #stop = new AbortController();
  #pod: AdmittedPod;
  #admitted: boolean;
  #ready: boolean;
  #readySince = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> | undefined;
  #deletedAt: number | undefined;
  /** Why it does not run, for the status. */
  problem = "";

  constructor(host: PodHost, state: PodState, inject: boolean, admitted: boolean) {
    this.#host = host;
    this.state = state;
    this.#pod = state.spec as AdmittedPod;
    this.#inject = inject;
    this.#admitted = admitted;
    this.#ready = admitted && state.ready === true && state.deletedAt === undefined;
    this.#deletedAt = state.deletedAt;
  }

  get ip(): string {
    return this.#host.plan.pod(this.state.hostNumber);
  }

  get appIp(): string {
    return this.#host.plan.app(this.state.hostNumber);
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** For how long it has been ready, in milliseconds; undefined while it is not. */
  get readyForMs(): number | undefined {
    return this.#ready ? performance.now() - this.#readySince : undefined;
  }

  get processes(): readonly ManagedProcess[] {
    return this.#containers.map(({ managed }) => managed);
  }

  get directory(): string {
    return join(this.#host.runDir, "pods", `${this.state.namespace}.${this.state.name}`);
  }

  /** The state to remember: the pod as it was admitted. */
  get current(): PodState {
    const { labels, annotations } = this.#pod.metadata;
    return {
      ...this.state,
      spec: this.#admitted ? this.#pod : this.state.spec,
      labels,
      annotations,
      ready: this.#ready,
      ...(this.#deletedAt === undefined ? {} : { deletedAt: this.#deletedAt }),
    };
  }

  get admitted(): boolean {
    return this.#admitted;
  }

  /** The pod's record for the mesh; undefined until it was admitted. */
  get record(): PodRecord | undefined {
    if (!this.#admitted) return undefined;
    const { metadata, spec } = this.#pod;
    return {
      type: "pod",
      namespace: metadata.namespace,
      name: metadata.name,
      uid: this.state.uid,
      ip: this.#hasProxy ? this.ip : this.appIp,
      appIp: this.appIp,
      labels: metadata.labels,
      annotations: metadata.annotations,
      serviceAccount: spec.serviceAccountName ?? "default",
      node: "localhost",
      workload: { kind: "Deployment", name: this.state.deployment },
      ports: spec.containers.flatMap((each) => [...(each.ports ?? [])]),
      ready: this.#ready,
    };
  }

  get #hasProxy(): boolean {
    return this.#pod.spec.containers.some((each) => each.name === PROXY);
  }

  /** @param before what is known of a process, by its name */
  start(before: (name: string) => ProcessBefore): void {
    this.#loop ??= this.#run(before).catch((error: unknown) => {
      this.problem = isXebecError(error) ? error.message : String(error);
      log.error({ err: error, pod: this.state.name }, "the pod cannot run");
    });
  }

  async #run(before: (name: string) => ProcessBefore): Promise<void> {
    if (this.#deletedAt !== undefined) {
      for (const { managed } of this.#makeContainers()) managed.adopt(before(managed.spec.name));
      return;
    }
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        if (!this.#admitted && this.#inject) this.#pod = await injectPod(this.#pod, this.#host.injector);
        this.#admitted = true;
        await mkdir(this.directory, { recursive: true, mode: 0o700 });
        await materializeVolumes(this.directory, this.#pod.spec, this.#facts(), this.#host.issueToken);
        this.problem = "";
        break;
      } catch (error) {
        const text = isXebecError(error) ? error.message : String(error);
        if (text !== this.problem) log.info({ pod: this.state.name, problem: text }, "the pod has to wait");
        this.problem = text;
        await sleep(backoff(attempt, { baseMs: 50, maxMs: 1_000 }), this.#stop.signal);
      }
    }
    if (this.#stop.signal.aborted) return;
    // A pod that nobody has written down could not be found again.
    await this.#host.stateChanged();
    if (this.#stop.signal.aborted) return;
    for (const { managed, health } of this.#makeContainers()) {
      managed.start(before(managed.spec.name));
      health.processChanged();
    }
    void this.#host.stateChanged();
    this.#host.recordsChanged();
    this.#healthChanged();
  }

  #makeContainers(): readonly RunningContainer[] {
    for (const container of this.#pod.spec.containers) this.#containers.push(this.#container(container));
    return this.#containers;
  }

  #container(given: ContainerSpec): RunningContainer {
    const isProxy = given.name === PROXY;
    const container = isProxy && !given.readinessProbe ? { ...given, readinessProbe: PROXY_PROBE } : given;
    const spec = containerProcess(
      this.#host,
      {
        ...{ state: this.state, facts: this.#facts(), appIp: this.appIp },
        ...{ directory: this.directory, hasProxy: this.#hasProxy },
      },
      container,
    );
    const managed: ManagedProcess = new ManagedProcess(spec, () => {
      health.processChanged();
      return this.#host.stateChanged();
    });
    const place: ActionPlace = { container, host: this.appIp, proxyHost: this.ip, env: spec.env, cwd: spec.cwd };
    const health = new ContainerHealth({
      ...{ managed, place, wasReady: this.#ready, survives: isProxy },
      holderOf: (host) =>
        host === this.ip ? (this.#containers.find((each) => each.managed.spec.portEnv)?.managed ?? managed) : managed,
      changed: () => this.#healthChanged(),
      failed: (probe) => void this.#restart({ managed, place }, probe),
    });
    return { managed, place, health };
  }

  async #restart({ managed }: EndingContainer, probe: Probe): Promise<void> {
    const seconds = probe.terminationGracePeriodSeconds ?? this.#graceSeconds;
    log.warn({ process: managed.spec.name }, "the container has failed its probe; it is started again");
    await managed.restart(seconds * 1_000);
  }

  #healthChanged(): void {
    const ready = this.#deletedAt === undefined && this.#containers.every(({ health }) => health.ready);
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#readySince = performance.now();
    log.info({ pod: this.state.name, ready }, ready ? "the pod is ready" : "the pod is not ready any more");
    void this.#host.stateChanged();
    this.#host.recordsChanged();
  }

  /** Keeps its tokens and files fresh; a pod that does not run yet gets them when it starts. @param all true: all tokens */
  async refresh(all: boolean): Promise<void> {
    if (this.#containers.length === 0) return;
    try {
      await refreshVolumes(this.directory, this.#pod.spec, this.#facts(), this.#host.issueToken, all);
    } catch (error) {
      log.error({ err: error, pod: this.state.name }, "the pod's tokens and files could not be kept fresh");
    }
  }

  #facts(): PodFacts {
    const { metadata, spec } = this.#pod;
    return {
      name: metadata.name,
      namespace: metadata.namespace,
      uid: this.state.uid,
      ip: this.ip,
      node: "localhost",
      serviceAccount: spec.serviceAccountName ?? "default",
      labels: metadata.labels,
      annotations: metadata.annotations,
      data: (kind, name) => this.#host.data(kind, metadata.namespace, name),
    };
  }

  get #graceSeconds(): number {
    return this.#pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS;
  }

  /** Where its proxy answers. */
  get proxyPlace(): ProxyPlace {
    const proxy = this.#pod.spec.containers.find((each) => each.name === PROXY);
    return {
      ...{ host: this.ip, adminPort: ADMIN_PORT, statusPort: STATUS_PORT },
      isRouter: proxy?.args?.includes("router") === true,
    };
  }

  /**
   * Takes it out of the mesh, then ends its processes and removes its directory.
   * @param mostMs the mesh ends as well: nobody waits for clients, and no longer than this
   */
  async end(mostMs?: number): Promise<void> {
    this.#deletedAt ??= Date.now();
    this.#ready = false;
    this.#stop.abort();
    for (const { health } of this.#containers) health.stop();
    void this.#host.stateChanged();
    this.#host.recordsChanged();
    await this.#loop;
    const past = Math.max(0, Date.now() - this.#deletedAt);
    const graceMs = Math.max(0, this.#graceSeconds * 1_000 - past);
    const place = this.proxyPlace;
    const isServing = mostMs === undefined && this.#hasProxy && this.#containers.length > 0;
    await endContainers({
      apps: this.#containers.filter(({ managed }) => !managed.spec.portEnv),
      proxy: this.#containers.find(({ managed }) => managed.spec.portEnv),
      graceMs: Math.min(graceMs, mostMs ?? graceMs),
      withdrawn: async () => (mostMs === undefined ? this.#host.withdrawn() : undefined),
      drain: async () => {
        if (isServing)
          await drainProxy(place).catch((error: unknown) =>
            log.info({ err: error, pod: this.state.name }, "the proxy could not be asked to drain"),
          );
      },
      requests: async () => (isServing ? requestsIn(place) : 0),
    });
    // An Envoy whose agent had to be killed.
    for (const left of processesWithEnv(POD_UID_ENV, this.state.uid)) signalProcess(left, "SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Leaves everything running. */
  release(): void {
    this.#stop.abort();
    for (const { managed, health } of this.#containers) {
      health.release();
      managed.release();
    }
  }
}
