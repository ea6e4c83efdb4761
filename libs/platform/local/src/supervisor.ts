import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { SUBJECTS } from "@xebec/model-bus";
import type { Condition } from "@xebec/model-resources";
import {
  type Bus,
  busTlsOf,
  createNatsBus,
  createNatsHealth,
  createRevisionWriter,
  type NatsHealth,
  type RevisionWriter,
  readSeed,
  SecretPublisher,
} from "@xebec/platform-bus";
import { renewTokens } from "@xebec/platform-identity";
import { processesWithEnv, RUN_ID_ENV, signalProcess } from "@xebec/platform-process";
import { type AddressPlan, addressPlan } from "./address-plan.ts";
import { buildEntry, withEntry } from "./builds.ts";
import { type ClusterObjects, watchClusterObjects } from "./cluster-objects.ts";
import { Inherited } from "./inherited.ts";
import { localHash } from "./local-hashes.ts";
import { mainProcesses } from "./main-processes.ts";
import { ManagedProcess } from "./managed-process.ts";
import type { ClusterObject, Deployment } from "./manifest-objects.ts";
import { baseEnvironment, prepareMeshFiles } from "./mesh-files.ts";
import { type MeshStatus, podStatus, serviceStatus } from "./mesh-status.ts";
import { createPodHost } from "./pod-host.ts";
import { PodSet } from "./pod-set.ts";
import type { IssueToken } from "./pod-tokens.ts";
import { ProcessLookup } from "./process-lookup.ts";
import type { ProcessBefore } from "./process-spec.ts";
import { type Component, type ReplicaCounts, replicaOf } from "./replicas.ts";
import { rotateLogs } from "./rotate-logs.ts";
import { writeServiceTokens } from "./service-tokens.ts";
import {
  citadelDir,
  monolithProcesses,
  NATS_PORT,
  natsProcess,
  type ServiceHost,
  type ServiceOptions,
  serviceProcesses,
  shareRoot,
  waitsForRoot,
} from "./services.ts";
import { createStateFile, type LocalState, type StateFile } from "./state-file.ts";
import { type PublishedConfig, StatusReader } from "./status-reader.ts";
import { endStrangers, findRun } from "./strangers.ts";
import { scheduleVolumeRefresh } from "./volume-refresh.ts";
import { type WatchedNats, watchNats } from "./watch-nats.ts";
import { proxiesHave } from "./withdrawal.ts";
import { WorkloadPublisher } from "./workload-publisher.ts";

const log = logger("local");

const SERVICE_GRACE_MS = 4_000;
const ROOT_POLL_MS = 50;
const READY_POLL_MS = 50;

export interface SupervisorOptions {
  /** The repository's root. */
  readonly root: string;
  /** Directory of the configuration: manifests and Istio's objects. */
  readonly configDir: string;
  /** Directory of everything that runs: keys, logs, state. */
  readonly runDir: string;
  readonly addressBlock: number;
  readonly ingressPort: number;
  /** Where the ingress gateway's port 443 is reached. */
  readonly ingressHttpsPort: number;
  readonly monolith: boolean;
  /** nats-server and its clients speak TLS (false). */
  readonly busTls?: boolean;
  /** Folders of Mixer's adapters from outside. */
  readonly adapters?: readonly string[];
  readonly replicas?: ReplicaCounts;
  /** Where components find the bus, HOST:PORT, that do not go to nats-server itself. */
  readonly busAddresses?: Readonly<Partial<Record<Component, string>>>;
  readonly envoy: string;
  readonly natsServer: string;
  readonly serviceOptions: ServiceOptions;
  /** Makes tokens with the key in citadel's directory. */
  readonly tokenMaker: (citadelDir: string) => Promise<IssueToken>;
}

/**
 * Runs a mesh on this machine: NATS, the services, and the pods of the manifests. It owns the run directory and the state
 * file; processes outlive it, and the next supervisor adopts them.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #plan: AddressPlan;
  readonly #state: StateFile;
  readonly #processes: ManagedProcess[] = [];
  readonly #objects: ClusterObjects;
  readonly #stop = new AbortController();
  readonly #status = new StatusReader();
  #runId: string = randomUUID();
  #bus: Bus | undefined;
  #natsHealth: NatsHealth | undefined;
  #writer: RevisionWriter | undefined;
  #publisher: WorkloadPublisher | undefined;
  #secrets: SecretPublisher | undefined;
  #pods: PodSet | undefined;
  /** What an earlier supervisor left and nobody here has taken over yet. */
  #inherited = new Inherited();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#plan = addressPlan(options.addressBlock);
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

  /**
   * Reads what an earlier supervisor left; before this nothing is known of the mesh, not even its name. A new mesh's name is on
   * the disk before its first process runs: whatever runs then is found again.
   * @throws XebecError unavailable when it cannot be written
   */
  async restore(): Promise<void> {
    const { runDir } = this.#options;
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    const before = await this.#state.load();
    if (before) {
      this.#runId = before.runId;
      this.#inherited = new Inherited(before);
      return;
    }
    // The file may be lost or damaged while the mesh runs.
    this.#runId = findRun(runDir) ?? this.#runId;
    if (!(await this.#state.save()))
      throw new XebecError("unavailable", `${join(runDir, "state.json")} cannot be written; the log says why`);
  }

  /** Starts what is missing and adopts what still runs, after `restore`. */
  async start(): Promise<void> {
    const { runDir, root, configDir, natsServer, envoy, ingressPort, ingressHttpsPort, tokenMaker } = this.#options;
    const before = this.#inherited;
    const keys = await prepareMeshFiles(runDir, this.#plan, this.#options.busTls);
    const server = `nats://${this.#plan.nats}:${NATS_PORT}`;
    const tls = busTlsOf([server], keys.caFile);
    const health = createNatsHealth({ server, seed: keys.health.seed, tls });
    this.#natsHealth = health;
    await this.#writeTokens();
    const baseEnv = baseEnvironment(runDir, envoy);
    const { monolith, replicas = {}, serviceOptions } = this.#options;
    if (monolith) await shareRoot(runDir, replicas);
    const host: ServiceHost = {
      plan: this.#plan,
      root,
      runDir,
      runId: this.#runId,
      configDir,
      adapters: this.#options.adapters ?? [],
      replicas,
      busAddresses: this.#options.busAddresses ?? {},
      natsServer,
      baseEnv,
      busKeys: keys,
    };
    const services = monolith ? monolithProcesses(host, serviceOptions) : serviceProcesses(host, serviceOptions);
    const specs = [natsProcess(host), ...services];
    await endStrangers({
      ...{ runId: this.#runId, processes: before.processes, graceMs: SERVICE_GRACE_MS },
      services: new Set(specs.map((each) => each.name)),
      pods: new Set(before.pods.map((each) => each.uid)),
    });
    const found = mainProcesses(this.#runId);
    const beforeOf = (name: string): ProcessBefore => ({
      process: before.processes[name],
      starting: before.starting[name],
      found: found.get(name) ?? [],
    });
    for (const spec of specs) {
      const managed = new ManagedProcess(spec, () => this.#saved());
      this.#processes.push(managed);
      if (!waitsForRoot(spec, runDir)) managed.start(beforeOf(spec.name));
    }
    void this.#startLater(beforeOf);
    const bus = createNatsBus({
      ...{ servers: [server], tls },
      name: "supervisor",
      seed: await readSeed(keys.seedFile("supervisor")),
      publicKeys: keys.publicKeys,
      provision: true,
    });
    await bus.start(this.#stop.signal);
    this.#bus = bus;
    this.#writer = createRevisionWriter({ bus, bucket: "workloads", source: "local" });
    await this.#writer.start(this.#stop.signal);
    const isWhole = (): boolean => !this.#stop.signal.aborted && (this.#objects.missing?.() ?? []).length === 0;
    this.#secrets = new SecretPublisher(bus, "local", () =>
      isWhole()
        ? [...this.#objects.objects.values()].flatMap((each) => ("credential" in each && each.credential) || [])
        : undefined,
    );
    await this.#secrets.start(this.#stop.signal);
    const podHost = createPodHost({
      ...{ plan: this.#plan, root, runDir, runId: this.#runId, baseEnv },
      issueToken: await tokenMaker(citadelDir(runDir)),
      objects: () => this.#objects.objects,
      stateChanged: () => this.#saved(),
      withdrawn: async () => {
        await proxiesHave(this.#publisher?.request() ?? Promise.resolve(), bus, this.#stop.signal);
      },
      recordsChanged: () => {
        this.#pods?.step();
        void this.#publisher?.request();
      },
    });
    const pods = new PodSet(podHost, (namespace) => this.#namespaceLabels(namespace));
    this.#pods = pods;
    this.#publisher = new WorkloadPublisher(this.#writer, {
      ...{ plan: this.#plan, monolith, replicas, ingress: { http: ingressPort, https: ingressHttpsPort } },
      services: () => this.#ofKind("Service"),
      pods: () => pods.pods.flatMap((pod) => pod.record ?? []),
      isWhole,
    });
    pods.adopt(before.pods, beforeOf);
    await this.#objects.start(this.#stop.signal);
    const runs = (): ReadonlySet<string> => new Set(this.#allProcesses().map((managed) => managed.spec.logFile));
    const nats: WatchedNats = {
      ...{ health, storeDir: join(runDir, "nats", "store") },
      onStall: (stalled) => {
        const listening = bus.subscribe(SUBJECTS.stalls, (state) => stalled(Buffer.from(state).toString()));
        return () => listening.close();
      },
    };
    for (const end of [
      renewTokens(() => this.#writeTokens()),
      scheduleVolumeRefresh(() => this.#refreshPods(false)),
      rotateLogs(join(runDir, "logs"), runs),
      watchNats(this.#processes[0] as ManagedProcess, nats),
    ])
      this.#stop.signal.addEventListener("abort", end, { once: true });
  }

  /** Copies that must not make a root of their own wait for that of the first one. */
  async #startLater(beforeOf: (name: string) => ProcessBefore): Promise<void> {
    const waiting = this.#processes.filter(({ spec }) => waitsForRoot(spec, this.#options.runDir));
    while (!this.#stop.signal.aborted && waiting.some(({ spec }) => waitsForRoot(spec, this.#options.runDir)))
      await sleep(ROOT_POLL_MS, this.#stop.signal).catch(() => undefined);
    if (!this.#stop.signal.aborted) for (const managed of waiting) managed.start(beforeOf(managed.spec.name));
  }

  #currentState(): LocalState {
    return this.#inherited.stateWith(this.#runId, this.#allProcesses(), this.#pods?.states);
  }

  async #saved(): Promise<void> {
    await this.#state.save();
  }

  async #writeTokens(): Promise<void> {
    const { runDir, tokenMaker } = this.#options;
    await writeServiceTokens(runDir, await tokenMaker(citadelDir(runDir)));
    await this.#refreshPods(true);
  }

  async #refreshPods(all: boolean): Promise<void> {
    for (const pod of this.#pods?.pods ?? []) await pod.refresh(all);
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
    void this.#publisher?.request();
    void this.#secrets?.request();
  }

  #allProcesses(): ManagedProcess[] {
    return [...this.#processes, ...(this.#pods?.all.flatMap((pod) => [...pod.processes]) ?? [])];
  }

  /** What runs where, and what is wrong. */
  async status(): Promise<MeshStatus> {
    const { configDir, runDir, ingressPort, ingressHttpsPort, monolith } = this.#options;
    return {
      runId: this.#runId,
      configDir,
      runDir,
      ingress: `http://localhost:${ingressPort}`,
      secureIngress: `https://localhost:${ingressHttpsPort}`,
      monolith,
      supervisor: process.pid,
      processes: [
        ...(await Promise.all(this.#processes.map((managed) => serviceStatus(managed, this.#plan, this.#natsHealth)))),
        ...(this.#pods?.pods ?? []).map(podStatus),
      ],
      problems: this.#objects.problems,
      unsupported: this.#objects.unsupported,
      missing: [
        ...(this.#bus ? (this.#bus.missing?.() ?? []) : ["the supervisor is not connected to NATS yet"]),
        ...(this.#objects.missing?.() ?? []),
      ],
    };
  }

  /** What galley has published and who has applied it, for commands that wait for their change. */
  async published(): Promise<PublishedConfig> {
    const read = Object.fromEntries([...this.#objects.objects].map(([key, each]) => [key, localHash(each)]));
    return { ...(await this.#status.published(this.#bus)), read };
  }

  /** What the services say of every object. */
  conditions(): Promise<readonly Condition[]> {
    return this.#status.conditions(this.#bus);
  }

  /**
   * Replaces the program of a component by that of another build, one copy after another, each when the one before is ready. It lasts as
   * long as this supervisor.
   * @param folder of the build (`buildEntry`)
   * @throws XebecError not_found, when there is no such component or build
   */
  async replace(component: string, folder: string): Promise<void> {
    const copies = this.#processes.filter(
      ({ spec }) => replicaOf(spec.name.replace("service/", ""))?.component === component,
    );
    if (copies.length === 0) throw new XebecError("not_found", `no component "${component}" runs here`);
    const entry = buildEntry(folder, component as Component);
    for (const [i, copy] of copies.entries()) {
      const { id } = copy;
      await copy.replace(withEntry(copy.spec, entry), SERVICE_GRACE_MS);
      while (i < copies.length - 1 && !this.#stop.signal.aborted) {
        const { ready } = await serviceStatus(copy, this.#plan, this.#natsHealth);
        if (ready && copy.id?.pid !== id?.pid) break;
        await sleep(READY_POLL_MS, this.#stop.signal);
      }
    }
  }

  /** What commands ask of a pod or service by its name. */
  get lookup(): ProcessLookup {
    return new ProcessLookup(this.#processes, this.#pods?.pods ?? []);
  }

  /** Ends everything that was started, by id, and waits until nothing is left. */
  async down(): Promise<void> {
    await this.#objects.close?.();
    await this.#pods?.endAll();
    this.#stop.abort();
    await this.#writer?.close?.();
    await this.#secrets?.close();
    this.#status.close();
    await this.#bus?.close?.();
    await this.#natsHealth?.close();
    await Promise.all(this.#processes.map((managed) => managed.end(SERVICE_GRACE_MS)));
    for (const left of processesWithEnv(RUN_ID_ENV, this.#runId)) {
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
    for (const managed of this.#processes) managed.release();
    await this.#objects.close?.();
    await this.#writer?.close?.();
    await this.#secrets?.close();
    this.#status.close();
    await this.#bus?.close?.();
    await this.#natsHealth?.close();
  }
}
