import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Coalescer } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { encodeWorkloadRecord, type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import {
  type Bus,
  type BusKeys,
  createBusKeys,
  createGenerationWriter,
  createNatsBus,
  type GenerationWriter,
  readSeed,
  renderNatsConfig,
} from "@xebec/platform-bus";
import { writeFileAtomic } from "@xebec/platform-files";
import { keepTokensFresh } from "@xebec/platform-identity";
import {
  isRunning,
  type ProcessId,
  processesMarked,
  RUN_MARK,
  signalGroup,
  signalProcess,
} from "@xebec/platform-process";
import { type AddressPlan, addressPlan } from "./address-plan.ts";
import { type ClusterObjects, watchClusterObjects } from "./cluster-objects.ts";
import { keepVolumesFresh } from "./keep-volumes-fresh.ts";
import { keepLogsSmall } from "./log-keeper.ts";
import type { ClusterObject, ConfigData, Deployment, KubeService } from "./manifest-objects.ts";
import { type MeshStatus, podStatus, serviceStatus } from "./mesh-status.ts";
import { keepNatsHealthy } from "./nats-keeper.ts";
import { chooseContainer, findPod } from "./pod-lookup.ts";
import type { PodHost } from "./pod-runner.ts";
import { PodSet } from "./pod-set.ts";
import type { MintToken } from "./pod-tokens.ts";
import { type PublishedConfig, PublishedConfigReader } from "./published-config.ts";
import { controlPlaneRecords, SYSTEM_NAMESPACE, serviceRecords } from "./records.ts";
import { writeServiceTokens } from "./service-tokens.ts";
import {
  citadelDir,
  injectorValuesFile,
  monolithUnit,
  NATS_MONITORING_PORT,
  NATS_PORT,
  natsUnit,
  rootFile,
  type ServiceHost,
  serviceUnits,
} from "./services.ts";
import { createStateFile, type LocalState, type PodState, type StateFile } from "./state-file.ts";
import { Unit } from "./unit.ts";

const log = logger("local");

const ROOT_CONFIG_MAP = "istio-ca-root-cert";
const GATEWAY_SERVICE = "istio-ingressgateway";
/** Statistics that users look at on a laptop, beside those that Istio keeps by default. */
const MESH_STATS = ["cluster.outbound", "cluster.inbound", "listener", "http."];
const SERVICE_GRACE_MS = 4_000;

export interface SupervisorOptions {
  /** The repository's root. */
  readonly root: string;
  /** Directory of the configuration: manifests and Istio's objects. */
  readonly configDir: string;
  /** Directory of everything that runs: keys, logs, state. */
  readonly runDir: string;
  readonly block: number;
  readonly ingressPort: number;
  readonly monolith: boolean;
  readonly envoy: string;
  readonly natsServer: string;
  /** Makes tokens with the key in citadel's directory. */
  readonly tokenMaker: (citadelDir: string) => Promise<MintToken>;
}

/**
 * Runs a mesh on this machine: NATS, the services, and the pods of the manifests. It owns the run directory and the state
 * file; processes outlive it, and the next supervisor adopts them.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #plan: AddressPlan;
  readonly #state: StateFile;
  readonly #units: Unit[] = [];
  readonly #objects: ClusterObjects;
  readonly #publish = new Coalescer(() => this.#publishRecords());
  readonly #stop = new AbortController();
  readonly #config = new PublishedConfigReader();
  #runId: string = randomUUID();
  #keys: BusKeys | undefined;
  #bus: Bus | undefined;
  #writer: GenerationWriter | undefined;
  #pods: PodSet | undefined;
  #published = "";
  /** What an earlier supervisor left and nobody here has taken over yet. */
  #inherited: { pods: readonly PodState[]; processes: Record<string, ProcessId> } = { pods: [], processes: {} };

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#plan = addressPlan(options.block);
    this.#state = createStateFile(join(options.runDir, "state.json"), () => this.#currentState());
    this.#objects = watchClusterObjects(options.configDir, () => this.#objectsChanged());
  }

  get plan(): AddressPlan {
    return this.#plan;
  }

  get runId(): string {
    return this.#runId;
  }

  /** The bus, for commands that read status. */
  get bus(): Bus | undefined {
    return this.#bus;
  }

  /** Reads what an earlier supervisor left; before this nothing is known of the mesh, not even its name. */
  async restore(): Promise<void> {
    await mkdir(this.#options.runDir, { recursive: true, mode: 0o700 });
    const before = await this.#state.load();
    if (!before) return;
    this.#runId = before.runId;
    this.#inherited = { pods: before.pods, processes: { ...before.processes } };
  }

  /** Starts what is missing and adopts what still runs, after `restore`. */
  async start(): Promise<void> {
    const { runDir, root, configDir, natsServer } = this.#options;
    const before = { pods: this.#inherited.pods, processes: { ...this.#inherited.processes } };
    await this.#prepare();
    const keys = this.#keys as BusKeys;
    const host: ServiceHost = {
      plan: this.#plan,
      root,
      runDir,
      runId: this.#runId,
      configDir,
      natsServer,
      baseEnv: this.#baseEnv(),
      busKeys: keys,
    };
    const specs = [natsUnit(host), ...(this.#options.monolith ? [monolithUnit(host)] : serviceUnits(host))];
    for (const spec of specs) {
      const unit = new Unit(spec, () => void this.#state.save());
      this.#units.push(unit);
      unit.start(before.processes[spec.name]);
    }
    this.#endStrangers(before.processes, new Set(specs.map((each) => each.name)));
    const bus = createNatsBus({
      servers: [`nats://${this.#plan.nats}:${NATS_PORT}`],
      name: "supervisor",
      seed: await readSeed(keys.seedFile("supervisor")),
      publicKeys: keys.publicKeys,
      provision: true,
    });
    await bus.start(this.#stop.signal);
    this.#bus = bus;
    this.#writer = createGenerationWriter({ bus, bucket: "workloads", source: "local" });
    await this.#writer.start(this.#stop.signal);
    this.#pods = new PodSet(await this.#podHost(), (namespace) => this.#namespaceLabels(namespace));
    this.#pods.adopt(before.pods, before.processes);
    await this.#objects.start(this.#stop.signal);
    const runs = (): ReadonlySet<string> => new Set(this.#allUnits().map((unit) => unit.spec.logFile));
    const nats = { host: this.#plan.nats, port: NATS_MONITORING_PORT, storeDir: join(runDir, "nats") };
    for (const end of [
      keepTokensFresh(() => this.#writeTokens()),
      keepVolumesFresh(() => this.#refreshPods(false)),
      keepLogsSmall(join(runDir, "logs"), runs),
      keepNatsHealthy(this.#units[0] as Unit, nats),
    ])
      this.#stop.signal.addEventListener("abort", end, { once: true });
  }

  /**
   * What a next supervisor has to know. Until this one has taken over what an earlier one left, that is still part of it: it
   * may be killed in between.
   */
  #currentState(): LocalState {
    const units = this.#allUnits();
    for (const unit of units) delete this.#inherited.processes[unit.spec.name];
    const left = Object.entries(this.#inherited.processes).filter(([, id]) => isRunning(id));
    const own = units.flatMap((unit) => (unit.id ? [[unit.spec.name, unit.id] as const] : []));
    return {
      runId: this.#runId,
      pods: this.#pods?.pods.filter((pod) => pod.admitted).map((pod) => pod.current) ?? this.#inherited.pods,
      processes: Object.fromEntries([...left, ...own]),
    };
  }

  /** Files that the processes need before they start. */
  async #prepare(): Promise<void> {
    const { runDir } = this.#options;
    this.#keys = await createBusKeys(join(runDir, "bus"));
    await mkdir(citadelDir(runDir), { recursive: true, mode: 0o700 });
    await writeFileAtomic(
      join(runDir, "nats", "nats.conf"),
      renderNatsConfig({
        address: { host: this.#plan.nats, port: NATS_PORT },
        monitoring: { host: this.#plan.nats, port: NATS_MONITORING_PORT },
        storeDir: join(runDir, "nats", "store"),
        publicKeys: this.#keys.publicKeys,
      }),
      { mode: 0o600 },
    );
    await writeFileAtomic(
      injectorValuesFile(runDir),
      JSON.stringify({
        interceptionMode: "NONE",
        concurrency: 1,
        discoveryAddress: `${this.#plan.service("pilot")}:15012`,
        caAddress: `${this.#plan.service("citadel")}:8060`,
      }),
    );
    await this.#writeTokens();
  }

  async #writeTokens(): Promise<void> {
    const { runDir, tokenMaker } = this.#options;
    await writeServiceTokens(runDir, await tokenMaker(citadelDir(runDir)));
    await this.#refreshPods(true);
  }

  async #refreshPods(all: boolean): Promise<void> {
    for (const pod of this.#pods?.pods ?? []) await pod.refresh(all);
  }

  #baseEnv(): Record<string, string> {
    const kept = ["PATH", "HOME", "LANG", "TZ", "XEBEC_USE_BUNDLES", "XEBEC_VERSION"];
    return {
      ...Object.fromEntries(
        kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]])),
      ),
      XEBEC_ENVOY: this.#options.envoy,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(this.#options.runDir, "compile-cache"),
    };
  }

  async #podHost(): Promise<PodHost> {
    const { runDir, root } = this.#options;
    let rootText = "";
    return {
      plan: this.#plan,
      root,
      runDir,
      runId: this.#runId,
      injector: {
        host: this.#plan.service("sidecar-injector"),
        port: 15017,
        serverName: "istio-sidecar-injector.istio-system.svc",
        ca: () => rootCertificate(runDir),
      },
      mint: await this.#options.tokenMaker(citadelDir(runDir)),
      baseEnv: this.#baseEnv(),
      caAddress: `${this.#plan.service("citadel")}:8060`,
      discoveryAddress: `${this.#plan.service("pilot")}:15012`,
      proxyConfig: { terminationDrainDuration: "1s", proxyStatsMatcher: { inclusionPrefixes: MESH_STATS } },
      data: (kind, namespace, name) => {
        if (kind === "ConfigMap" && name === ROOT_CONFIG_MAP) {
          rootText = rootCertificate(runDir) ?? rootText;
          if (!rootText) return undefined;
          return {
            kind,
            metadata: { name, namespace, labels: {}, annotations: {} },
            data: { "root-cert.pem": rootText },
          } satisfies ConfigData;
        }
        const found = this.#objects.objects.get(`${kind}/${namespace}/${name}`);
        return found?.kind === "ConfigMap" || found?.kind === "Secret" ? found : undefined;
      },
      services: (namespace) => this.#ofKind("Service").filter((each) => each.metadata.namespace === namespace),
      stateChanged: () => void this.#state.save(),
      recordsChanged: () => {
        this.#pods?.step();
        void this.#publish.request();
      },
    };
  }

  #ofKind<K extends ClusterObject["kind"]>(kind: K): Extract<ClusterObject, { kind: K }>[] {
    return [...this.#objects.objects.values()].filter(
      (each): each is Extract<ClusterObject, { kind: K }> => each.kind === kind,
    );
  }

  #namespaceLabels(name: string): Readonly<Record<string, string>> {
    return this.#objects.objects.get(`Namespace//${name}`)?.metadata.labels ?? {};
  }

  #objectsChanged(): void {
    this.#pods?.reconcile(this.#ofKind("Deployment") as Deployment[]);
    void this.#publish.request();
  }

  async #publishRecords(): Promise<void> {
    // A state that is not whole yet would take services away that run.
    if (!this.#writer || !this.#pods || this.#stop.signal.aborted || (this.#objects.missing?.() ?? []).length > 0)
      return;
    const pods = this.#pods.pods.flatMap((pod) => pod.record ?? []);
    const services = this.#ofKind("Service").map((each) => this.#withIngressPort(each));
    const records: WorkloadRecord[] = [
      ...controlPlaneRecords(this.#plan),
      ...services.flatMap((service) => serviceRecords(service, pods)),
      ...pods,
      { type: "node", name: "localhost" },
    ];
    const all = new Map(records.map((record) => [workloadKey(record), encodeWorkloadRecord(record)]));
    const text = [...all].map(([key, bytes]) => `${key}=${Buffer.from(bytes).toString("latin1")}`).join("\n");
    if (text === this.#published) return;
    try {
      await this.#writer.replace(all);
      this.#published = text;
    } catch (error) {
      log.error({ err: error }, "workloads could not be published");
    }
  }

  /** The ingress gateway is reached at the port that the user chose. */
  #withIngressPort(service: KubeService): KubeService {
    if (service.metadata.namespace !== SYSTEM_NAMESPACE || service.metadata.name !== GATEWAY_SERVICE) return service;
    return {
      ...service,
      ports: service.ports.map((port) =>
        port.port === 80 ? { ...port, targetPort: this.#options.ingressPort } : port,
      ),
    };
  }

  #allUnits(): Unit[] {
    return [...this.#units, ...(this.#pods?.pods.flatMap((pod) => [...pod.units]) ?? [])];
  }

  /** Ends processes of an earlier run that nobody wants any more, for example the six services under `--monolith`. */
  #endStrangers(
    processes: Readonly<Record<string, { pid: number; startTime: string }>>,
    wanted: ReadonlySet<string>,
  ): void {
    for (const [name, id] of Object.entries(processes))
      if (name.startsWith("service/") && !wanted.has(name) && isRunning(id)) signalGroup(id, "SIGTERM");
  }

  /** What runs where, and what is wrong. */
  async status(): Promise<MeshStatus> {
    const { configDir, runDir, ingressPort, monolith } = this.#options;
    return {
      runId: this.#runId,
      configDir,
      runDir,
      ingress: `http://localhost:${ingressPort}`,
      monolith,
      supervisor: process.pid,
      units: [
        ...(await Promise.all(this.#units.map((unit) => serviceStatus(unit, this.#plan)))),
        ...(this.#pods?.pods ?? []).map(podStatus),
      ],
      problems: this.#objects.problems,
      leftOut: this.#objects.leftOut,
      missing: [
        ...(this.#bus ? [] : ["the supervisor is not connected to NATS yet"]),
        ...(this.#objects.missing?.() ?? []),
      ],
    };
  }

  /** What galley has published, for commands that wait for their change. */
  published(): Promise<PublishedConfig> {
    return this.#config.read(this.#bus, this.#stop.signal);
  }

  /**
   * The environment and directory of a pod's container, for `exec`. @returns undefined when there is no such pod
   * @throws XebecError not_found for a container that it has not
   */
  execContext(
    name: string,
    container?: string,
  ): { readonly env: Readonly<Record<string, string>>; readonly cwd: string } | undefined {
    const units = this.#containersOf(name);
    if (!units) return undefined;
    const spec = units.get(chooseContainer(name, [...units.keys()], container))?.spec;
    return spec && { env: spec.env, cwd: spec.cwd };
  }

  /** Log files of a pod or service, by container. @returns undefined when there is no such pod or service */
  logFiles(name: string): Record<string, string> | undefined {
    const service = this.#units.find((each) => each.spec.name === `service/${name}`);
    if (service) return { [name]: service.spec.logFile };
    const units = this.#containersOf(name);
    return units && Object.fromEntries([...units].map(([container, unit]) => [container, unit.spec.logFile]));
  }

  #containersOf(name: string): Map<string, Unit> | undefined {
    const pod = findPod(this.#pods?.pods ?? [], (each) => each.state, name);
    return pod && new Map(pod.units.map((unit) => [unit.spec.name.split("/").at(-1) as string, unit]));
  }

  /** Ends everything that was started, by id, and waits until nothing is left. */
  async down(): Promise<void> {
    await this.#objects.close?.();
    await this.#pods?.endAll();
    this.#stop.abort();
    await this.#writer?.close?.();
    await this.#config.close();
    await this.#bus?.close?.();
    await Promise.all(this.#units.map((unit) => unit.end(SERVICE_GRACE_MS)));
    for (const left of processesMarked(RUN_MARK, this.#runId)) {
      log.info({ pid: left.pid }, "a process that was left is ended");
      signalProcess(left, "SIGKILL");
    }
    await this.#state.save();
  }

  /** Goes, and leaves everything running. */
  async release(): Promise<void> {
    this.#stop.abort();
    await this.#state.save();
    this.#pods?.releaseAll();
    for (const unit of this.#units) unit.release();
    await this.#objects.close?.();
    await this.#writer?.close?.();
    await this.#config.close();
    await this.#bus?.close?.();
  }
}

function rootCertificate(runDir: string): string | undefined {
  const file = rootFile(runDir);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
