import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { isXebecError, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { readYaml } from "@xebec/core-yaml";
import type { PodRecord } from "@xebec/model-workloads";
import { POD_MARK, processesMarked, RUN_MARK, signalProcess } from "@xebec/platform-process";
import { containerCommand } from "./images.ts";
import { type AdmittedPod, injectPod } from "./injection.ts";
import type { ContainerSpec, PodSpec } from "./manifest-objects.ts";
import { containerEnvironment, expand, type PodFacts } from "./pod-environment.ts";
import type { PodHost } from "./pod-host.ts";
import { containerRoot, materializeVolumes, refreshVolumes } from "./pod-volumes.ts";
import { containerReady, httpReady, isOwn, probedPort } from "./readiness.ts";
import type { PodState } from "./state-file.ts";
import { Unit, type UnitBefore } from "./unit.ts";

const log = logger("local");

const PROXY = "istio-proxy";
const PROXY_READY_PORT = 15021;
const HTTP_PROXY_PORT = 15002;
const PROBE_MS = 100;
const PROBE_READY_MS = 500;
/** A ready pod counts as lost only after so many failed probes: an agent that is replaced must not take its Envoy out. */
const FAILURES_ALLOWED = 20;
const GRACE_MS = 5_000;

/** One pod: admitted, its volumes written, its containers running, probed until it is ended. */
export class PodRunner {
  readonly state: PodState;
  readonly #host: PodHost;
  readonly #inject: boolean;
  readonly #units: Unit[] = [];
  readonly #stop = new AbortController();
  #pod: AdmittedPod;
  #admitted: boolean;
  #ready = false;
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
    this.#ready = admitted && state.ready === true;
  }

  get ip(): string {
    return this.#host.plan.pod(this.state.slot);
  }

  get appIp(): string {
    return this.#host.plan.app(this.state.slot);
  }

  get ready(): boolean {
    return this.#ready;
  }

  get units(): readonly Unit[] {
    return this.#units;
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
    const hasProxy = spec.containers.some((each) => each.name === PROXY);
    return {
      type: "pod",
      namespace: metadata.namespace,
      name: metadata.name,
      uid: this.state.uid,
      ip: hasProxy ? this.ip : this.appIp,
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

  /** @param before what is known of a unit, by its name */
  start(before: (unit: string) => UnitBefore): void {
    this.#loop ??= this.#run(before).catch((error: unknown) => {
      this.problem = isXebecError(error) ? error.message : String(error);
      log.error({ err: error, pod: this.state.name }, "the pod cannot run");
    });
  }

  async #run(before: (unit: string) => UnitBefore): Promise<void> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        if (!this.#admitted && this.#inject) this.#pod = await injectPod(this.#pod, this.#host.injector);
        this.#admitted = true;
        await mkdir(this.directory, { recursive: true, mode: 0o700 });
        await materializeVolumes(this.directory, this.#pod.spec, this.#facts(), this.#host.mint);
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
    for (const container of this.#pod.spec.containers) {
      const unit = this.#unitOf(container);
      this.#units.push(unit);
      unit.start(before(unit.spec.name));
    }
    void this.#host.stateChanged();
    this.#host.recordsChanged();
    await this.#probe();
  }

  /** Keeps its tokens and files fresh; a pod that does not run yet gets them when it starts. @param all true: all tokens */
  async refresh(all: boolean): Promise<void> {
    if (this.#units.length === 0) return;
    try {
      await refreshVolumes(this.directory, this.#pod.spec, this.#facts(), this.#host.mint, all);
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

  #unitOf(container: ContainerSpec): Unit {
    const { namespace, name } = this.state;
    const spec: PodSpec = this.#pod.spec;
    const hasProxy = spec.containers.some((each) => each.name === PROXY);
    const own = containerEnvironment(container, this.#facts());
    const env = {
      ...this.#host.baseEnv,
      ...(container.name === PROXY ? {} : this.#appEnv(hasProxy)),
      ...own,
      ...(container.name === PROXY ? this.#proxyEnv(container, own.PROXY_CONFIG) : {}),
      [RUN_MARK]: this.#host.runId,
      [POD_MARK]: this.state.uid,
    };
    const [file, ...args] = containerCommand(container, this.#host.root);
    return new Unit(
      {
        name: `pod/${namespace}/${name}/${container.name}`,
        command: [file, ...args.map((each) => expand(each, env))],
        env,
        cwd: containerRoot(this.directory, container),
        logFile: join(this.#host.runDir, "logs", `${namespace}.${name}.${container.name}.log`),
        // An agent that was killed leaves its Envoy serving.
        leavesChildren: container.name === PROXY,
        ...(container.name === PROXY ? { portMark: [POD_MARK, this.state.uid] as const } : {}),
      },
      () => this.#host.stateChanged(),
    );
  }

  /** What containers need to reach the mesh through their proxy. */
  #appEnv(hasProxy: boolean): Record<string, string> {
    const proxy = `http://${this.ip}:${HTTP_PROXY_PORT}`;
    const env: Record<string, string> = { BIND_ADDRESS: this.appIp, HOSTNAME: this.state.name };
    if (hasProxy)
      Object.assign(env, {
        HTTP_PROXY: proxy,
        http_proxy: proxy,
        NO_PROXY: "localhost,127.0.0.1",
        no_proxy: "localhost,127.0.0.1",
        NODE_USE_ENV_PROXY: "1",
      });
    for (const service of this.#host.services(this.state.namespace)) {
      const name = service.metadata.name.toUpperCase().replaceAll("-", "_");
      const [port] = service.ports;
      if (port) Object.assign(env, { [`${name}_SERVICE_HOST`]: this.ip, [`${name}_SERVICE_PORT`]: String(port.port) });
    }
    return env;
  }

  #proxyEnv(container: ContainerSpec, ownConfig = "{}"): Record<string, string> {
    const { caAddress, discoveryAddress, proxyConfig } = this.#host;
    const router = container.args?.includes("router") === true;
    return {
      CA_ADDR: caAddress,
      PROXY_CONFIG: JSON.stringify({ ...proxyConfig, ...mapOf(ownConfig), discoveryAddress }),
      INSTANCE_IP: this.ip,
      POD_NAME: this.state.name,
      POD_NAMESPACE: this.state.namespace,
      SERVICE_ACCOUNT: this.#pod.spec.serviceAccountName ?? "default",
      ISTIO_META_WORKLOAD_NAME: this.state.deployment,
      ISTIO_META_INTERCEPTION_MODE: "NONE",
      ISTIO_META_APP_ADDRESS: this.appIp,
      ...(router ? { ISTIO_META_GATEWAY_BIND: "127.0.0.1" } : { ISTIO_META_HTTP_PROXY_PORT: String(HTTP_PROXY_PORT) }),
    };
  }

  async #probe(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const good = await this.#isReady();
      failures = good ? 0 : failures + 1;
      // A container whose process is gone is not ready at once.
      const gone = this.#units.some((unit) => !unit.id && !unit.spec.name.endsWith(`/${PROXY}`));
      const ready = good || (this.#ready && !gone && failures < FAILURES_ALLOWED);
      if (ready !== this.#ready) {
        this.#ready = ready;
        log.info({ pod: this.state.name, ready }, ready ? "the pod is ready" : "the pod is not ready any more");
        void this.#host.stateChanged();
        this.#host.recordsChanged();
      }
      await sleep(good ? PROBE_READY_MS : PROBE_MS, this.#stop.signal);
    }
  }

  async #isReady(): Promise<boolean> {
    const answers = this.#pod.spec.containers.map(async (container, i) => {
      const [host, port] = container.name === PROXY ? [this.ip, PROXY_READY_PORT] : [this.appIp, probedPort(container)];
      const good = await (container.name === PROXY
        ? httpReady(host, PROXY_READY_PORT, "/healthz/ready")
        : containerReady(container, host));
      // An answer of somebody else's process says nothing of this one.
      return good && (port === undefined || isOwn(this.#units[i]?.holder(host, port)));
    });
    return (await Promise.all(answers)).every(Boolean);
  }

  /** Takes it out of the mesh, then ends its processes and removes its directory. */
  async end(): Promise<void> {
    this.#ready = false;
    this.#deletedAt ??= Date.now();
    this.#stop.abort();
    this.#host.recordsChanged();
    void this.#host.stateChanged();
    await Promise.all(this.#units.map((unit) => unit.end(GRACE_MS)));
    await this.#loop;
    // An Envoy whose agent had to be killed.
    for (const left of processesMarked(POD_MARK, this.state.uid)) signalProcess(left, "SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Leaves everything running. */
  release(): void {
    this.#stop.abort();
    for (const unit of this.#units) unit.release();
  }
}

/** A new pod of a Deployment, not yet admitted. */
export function newPodState(
  deployment: { readonly name: string; readonly namespace: string },
  hash: string,
  slot: number,
  template: { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec: PodSpec },
): PodState {
  const uid = randomUUID();
  const name = `${deployment.name}-${hash.slice(0, 8)}-${uid.slice(0, 5)}`;
  const labels = { ...template.metadata?.labels, "pod-template-hash": hash.slice(0, 8) };
  const annotations = { ...template.metadata?.annotations };
  const pod: AdmittedPod = {
    metadata: {
      name,
      namespace: deployment.namespace,
      labels,
      annotations,
      ownerReferences: [{ kind: "ReplicaSet", name: `${deployment.name}-${hash.slice(0, 8)}`, controller: true }],
    },
    spec: template.spec,
  };
  return {
    namespace: deployment.namespace,
    name,
    uid,
    slot,
    deployment: deployment.name,
    hash,
    spec: pod,
    labels,
    annotations,
  };
}

/** @throws XebecError invalid_argument when the text is no map in YAML or JSON */
function mapOf(text: string): Record<string, unknown> {
  const value: unknown = readYaml(text) ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", "PROXY_CONFIG of the container istio-proxy must be a map");
}
