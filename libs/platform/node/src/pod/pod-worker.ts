import { chmodSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { STRATEGIC_PATCH } from "../api/client.ts";
import type { Container, Pod } from "../api/types.ts";
import { RunningContainer } from "../runtime/container.ts";
import { createPodNetwork, namespacePath, podNamespace, removePodNetwork } from "../runtime/pod-network.ts";
import { ContainerWorker, type RestartRule } from "./container-worker.ts";
import type { NodeContext } from "./context.ts";
import { containerEnvironment, type DataSource } from "./environment.ts";
import { expand } from "./expand.ts";
import type { PodFacts } from "./fields.ts";
import { hostsFile, resolvConf } from "./own-files.ts";
import { podStatus } from "./status.ts";
import { PodVolumes, writeOwnFile } from "./volumes.ts";

const log = logger("node");

const RETRY_MS = { first: 100, most: 2_000 };
/** Changes of this time are written at once. */
const STATUS_MS = 20;
const GRACE_SECONDS = 30;
const TERMINATION_LOG = "/dev/termination-log";

/** One pod of this node, from its first status to its deletion. */
export class PodWorker {
  readonly #context: NodeContext;
  readonly #directory: string;
  readonly #volumes: PodVolumes;
  readonly #inits: ContainerWorker[];
  readonly #apps: ContainerWorker[];
  readonly #startTime: Date;
  readonly #stop = new AbortController();
  readonly #forgotten: () => void;
  #pod: Pod;
  #ip = "";
  #networkReady = false;
  #initialized = false;
  #over = false;
  /** It had ended before this agent began: its status is complete. */
  readonly #wasOver: boolean;
  #failure: { reason: string; message: string } | undefined;
  #loop: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  #until = Number.POSITIVE_INFINITY;
  #written = "";
  #writing: Promise<void> | undefined;
  #dirty = false;

  /** @param forgotten called when nothing of the pod is left here */
  constructor(context: NodeContext, pod: Pod, forgotten: () => void) {
    this.#context = context;
    this.#pod = pod;
    this.#forgotten = forgotten;
    this.#directory = join(context.directory, pod.metadata.uid);
    this.#volumes = new PodVolumes(context, this.#directory);
    this.#startTime = pod.status?.startTime ? new Date(pod.status.startTime) : new Date();
    this.#wasOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    const { restartPolicy = "Always", initContainers = [], containers } = pod.spec;
    this.#inits = initContainers.map((each) =>
      this.#worker(
        each,
        each.restartPolicy === "Always" ? "Always" : restartPolicy === "Never" ? "Never" : "OnFailure",
      ),
    );
    this.#apps = containers.map((each) => this.#worker(each, restartPolicy));
  }

  get uid(): string {
    return this.#pod.metadata.uid;
  }

  get pod(): Pod {
    return this.#pod;
  }

  get ip(): string {
    return this.#ip;
  }

  /** The path of its network namespace. */
  get netns(): string {
    return this.#pod.spec.hostNetwork
      ? "/proc/self/ns/net"
      : namespacePath(podNamespace(this.#context.cluster, this.uid));
  }

  worker(name: string): ContainerWorker | undefined {
    return [...this.#apps, ...this.#inits].find(({ container }) => container.name === name);
  }

  start(): void {
    this.#loop ??= this.#run().catch((error: unknown) => {
      log.error({ err: error, pod: this.#name }, "the pod cannot run");
    });
  }

  /** Its object has changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp) this.end(pod.metadata.deletionGracePeriodSeconds ?? GRACE_SECONDS);
    else this.#changed();
  }

  /** Writes its files again where they have changed. */
  async refresh(): Promise<void> {
    if (this.#networkReady && !this.#over) await this.#volumes.refresh(this.#facts);
  }

  /** Ends it; a second call can only shorten its time. @param object false: the object is gone already */
  end(graceSeconds: number, object = true): void {
    const until = performance.now() + graceSeconds * 1_000;
    const isShorter = until < this.#until - 1_000;
    this.#until = Math.min(this.#until, until);
    if (this.#ending && isShorter && graceSeconds === 0)
      for (const each of [...this.#apps, ...this.#inits]) void each.running?.stop(0);
    this.#ending ??= this.#end(object).catch((error: unknown) =>
      log.error({ err: error, pod: this.#name }, "the pod could not be ended"),
    );
  }

  /** Resolves when nothing of it runs any more. */
  async ended(): Promise<void> {
    await this.#ending;
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }

  get #facts(): PodFacts {
    const { nodeIp, allocatable } = this.#context;
    return { pod: this.#pod, ip: this.#ip, hostIp: nodeIp, allocatable };
  }

  get #data(): DataSource {
    const namespace = this.#pod.metadata.namespace ?? "";
    return {
      texts: (kind, name) => {
        const found =
          kind === "ConfigMap" ? this.#context.configMap(namespace, name) : this.#context.secret(namespace, name);
        if (!found) return undefined;
        const decode = (text: string): string => (kind === "Secret" ? Buffer.from(text, "base64").toString() : text);
        return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, text]) => [key, decode(text)]));
      },
    };
  }

  #worker(container: Container, rule: RestartRule): ContainerWorker {
    const directory = join(this.#directory, "containers", container.name);
    return new ContainerWorker(container, rule, {
      pod: () => this.#pod,
      ip: () => this.#ip,
      directory,
      logFile: (restart) => join(this.#directory, "logs", container.name, `${restart}.log`),
      launch: (each, restart) => this.#launch(each, directory, restart),
      event: (type, reason, message) => this.#context.event(this.#pod, type, reason, message),
      changed: () => this.#changed(),
    });
  }

  #isSidecar = ({ container }: ContainerWorker): boolean => container.restartPolicy === "Always";

  async #run(): Promise<void> {
    if (this.#wasOver) return;
    const { signal } = this.#stop;
    this.#changed();
    await this.#prepare();
    if (signal.aborted) return;
    this.#watchDeadline();
    if (!(await this.#initialize())) return;
    this.#initialized = true;
    for (const each of this.#apps) each.waitFor("ContainerCreating");
    this.#changed();
    const ends: Promise<void>[] = [];
    for (const each of this.#apps) {
      ends.push(
        each.start().catch((error: unknown) => log.error({ err: error, pod: this.#name }, "a container is lost")),
      );
      // The next one starts when this one's hook is done: a proxy that is not ready yet holds the application back so.
      if (each.container.lifecycle?.postStart) {
        await this.#wait(() => each.running !== undefined || each.done);
        await each.postStart();
      }
      if (signal.aborted) return;
    }
    await Promise.all(ends);
    if (signal.aborted) return;
    await this.#stopSidecars(performance.now() + this.#graceMs);
    this.#over = true;
    await this.#cleanNetwork();
    this.#changed();
  }

  async #prepare(): Promise<void> {
    const { signal } = this.#stop;
    const { hostNetwork, nodeName = "" } = this.#pod.spec;
    for (const each of [...this.#inits, ...this.#apps])
      each.waitFor(this.#inits.length > 0 ? "PodInitializing" : "ContainerCreating");
    for (let delay = RETRY_MS.first; !signal.aborted; delay = Math.min(RETRY_MS.most, delay * 2)) {
      try {
        if (!this.#ip)
          this.#ip = hostNetwork
            ? this.#context.nodeIp
            : await this.#context.takeAddress(nodeName, this.uid, this.#pod.status?.podIP);
        await this.#volumes.prepare(this.#facts);
        if (!hostNetwork) await createPodNetwork(this.#context.cluster, this.uid, this.#ip);
        this.#ownFiles();
        this.#networkReady = true;
        this.#changed();
        return;
      } catch (error) {
        const message = error instanceof XebecError ? error.message : String(error);
        if (delay === RETRY_MS.most || delay === RETRY_MS.first)
          this.#context.event(
            this.#pod,
            "Warning",
            message.startsWith("MountVolume") ? "FailedMount" : "FailedCreatePodSandBox",
            message,
          );
        log.info({ pod: this.#name, problem: message }, "the pod has to wait");
        await sleep(delay, signal);
      }
    }
  }

  #ownFiles(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    const { domain, dnsIp } = this.#context;
    writeOwnFile(join(this.#directory, "resolv.conf"), resolvConf(this.#pod, domain, dnsIp));
    writeOwnFile(join(this.#directory, "hosts"), hostsFile(this.#pod, this.#ip, domain));
    writeOwnFile(join(this.#directory, "hostname"), `${this.#hostname}\n`);
  }

  get #hostname(): string {
    return (this.#pod.spec.hostname ?? this.#pod.metadata.name).slice(0, 63);
  }

  /** Runs the init containers in their order. @returns false when the pod is over */
  async #initialize(): Promise<boolean> {
    const { signal } = this.#stop;
    for (const each of this.#inits) {
      const loop = each.start();
      if (this.#isSidecar(each)) {
        await this.#wait(() => each.running !== undefined);
        await each.postStart();
        await this.#wait(() => each.started);
      } else await loop;
      if (signal.aborted) return false;
      if (!this.#isSidecar(each) && each.exitCode !== 0) {
        await this.#stopSidecars(performance.now() + this.#graceMs);
        this.#over = true;
        await this.#cleanNetwork();
        this.#changed();
        return false;
      }
      this.#changed();
    }
    return true;
  }

  /** Waits until something holds; every change of a container is looked at. */
  async #wait(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#stop.signal.aborted) await sleep(20, this.#stop.signal);
  }

  async #launch(container: Container, directory: string, restart: number): Promise<RunningContainer> {
    const { images, visible } = this.#context;
    const { spec, metadata } = this.#pod;
    const image = await images.resolve(container.image ?? "");
    const links = this.#context.services(metadata.namespace ?? "");
    const own = containerEnvironment(container, this.#facts, this.#data, links);
    const env: Record<string, string> = { ...image.env, HOSTNAME: this.#hostname, ...own };
    const words = (list: readonly string[] | undefined): string[] => (list ?? []).map((each) => expand(each, env));
    const command = container.command?.length
      ? [...words(container.command), ...words(container.args)]
      : [...image.entrypoint, ...(container.args?.length ? words(container.args) : image.cmd)];
    if (command.length === 0)
      throw new XebecError("invalid_argument", `no command specified for image ${container.image}`);
    const security = { ...spec.securityContext, ...container.securityContext };
    const uid = security.runAsUser ?? image.user.uid;
    const gid = security.runAsGroup ?? (security.runAsUser === undefined ? image.user.gid : 0);
    if (security.runAsNonRoot && uid === 0)
      throw new XebecError("failed_precondition", "container has runAsNonRoot and image will run as root");
    const group = spec.securityContext?.fsGroup;
    const terminationLog = writeOwnFile(join(directory, "termination-log"), "");
    chmodSync(terminationLog, 0o666);
    const file = (name: string, target: string) => ({ source: join(this.#directory, name), target, readOnly: false });
    const ownFiles = [
      file("resolv.conf", "/etc/resolv.conf"),
      file("hosts", "/etc/hosts"),
      file("hostname", "/etc/hostname"),
      { source: terminationLog, target: container.terminationMessagePath ?? TERMINATION_LOG, readOnly: false },
    ];
    const mounts = this.#volumes.mounts(container, this.#pod, env);
    return new RunningContainer({
      ...{ directory, image, command, env, visible, uid, gid },
      workingDir: container.workingDir ?? image.workingDir,
      mounts: [...ownFiles.filter(({ target }) => !mounts.some((each) => each.target === target)), ...mounts],
      netns: this.netns,
      hostname: this.#hostname,
      groups: group === undefined ? [] : [group],
      capabilities: security.privileged
        ? ["NET_ADMIN", "NET_RAW"]
        : (container.securityContext?.capabilities?.add ?? []),
      readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
      sysctls: spec.hostNetwork ? [] : (spec.securityContext?.sysctls ?? []),
      logFile: join(this.#directory, "logs", container.name, `${restart}.log`),
      stdin: container.stdin === true,
    });
  }

  #watchDeadline(): void {
    const { activeDeadlineSeconds } = this.#pod.spec;
    if (activeDeadlineSeconds === undefined) return;
    const left = this.#startTime.getTime() + activeDeadlineSeconds * 1_000 - Date.now();
    void sleep(Math.max(0, left), this.#stop.signal).then(async () => {
      if (this.#stop.signal.aborted || this.#over) return;
      this.#failure = {
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      };
      this.#stop.abort();
      await this.#stopContainers(performance.now() + this.#graceMs);
      this.#over = true;
      this.#changed();
    });
  }

  get #graceMs(): number {
    return (this.#pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1_000;
  }

  async #stopSidecars(until: number): Promise<void> {
    for (const each of this.#inits.filter(this.#isSidecar).reverse()) await each.stop(until);
  }

  async #stopContainers(until: number): Promise<void> {
    const inits = this.#inits.filter((each) => !this.#isSidecar(each));
    await Promise.all([...this.#apps, ...inits].map((each) => each.stop(until)));
    await this.#stopSidecars(until);
  }

  async #end(hasObject: boolean): Promise<void> {
    this.#stop.abort();
    this.#changed();
    for (const each of this.#apps)
      if (each.running)
        this.#context.event(this.#pod, "Normal", "Killing", `Stopping container ${each.container.name}`);
    await this.#stopContainers(this.#until);
    await this.#loop;
    this.#over = true;
    await this.#cleanNetwork();
    if (hasObject) {
      // Its object may be gone by now: then nobody reads the last status.
      await this.#write().catch((error: unknown) =>
        log.info({ pod: this.#name, err: error }, "its last status is not written"),
      );
      await this.#delete();
    }
    await rm(this.#directory, { recursive: true, force: true });
    this.#forgotten();
  }

  async #delete(): Promise<void> {
    const { namespace, name } = this.#pod.metadata;
    for (let delay = RETRY_MS.first; ; delay = Math.min(RETRY_MS.most, delay * 2)) {
      try {
        await this.#context.api.call("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}`, {
          body: { gracePeriodSeconds: 0, preconditions: { uid: this.uid } },
        });
        return;
      } catch (error) {
        if (error instanceof XebecError && ["not_found", "aborted"].includes(error.code)) return;
        log.info({ pod: this.#name, err: error }, "the pod's object is not deleted yet");
        await sleep(delay);
      }
    }
  }

  async #cleanNetwork(): Promise<void> {
    if (!this.#pod.spec.hostNetwork && this.#ip) await removePodNetwork(this.#context.cluster, this.uid);
    this.#context.giveAddress(this.uid);
  }

  #changed(): void {
    this.#dirty = true;
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
  }

  async #flush(): Promise<void> {
    let delay = STATUS_MS;
    while (this.#dirty) {
      await sleep(delay);
      this.#dirty = false;
      try {
        await this.#write();
        delay = STATUS_MS;
      } catch (error) {
        if (error instanceof XebecError && error.code === "not_found") return;
        log.info({ pod: this.#name, err: error }, "the pod's status is not written yet");
        this.#dirty = true;
        delay = Math.min(2_000, delay * 2);
      }
    }
  }

  async #write(): Promise<void> {
    if (this.#wasOver) return;
    const status = podStatus({
      pod: this.#pod,
      ip: this.#ip,
      nodeIp: this.#context.nodeIp,
      startTime: this.#startTime,
      networkReady: this.#networkReady,
      initialized: this.#initialized,
      inits: this.#inits,
      isSidecar: this.#isSidecar,
      apps: this.#apps,
      ...(this.#failure ? { failure: this.#failure } : {}),
      ending: this.#stop.signal.aborted,
      over: this.#over,
    });
    const text = JSON.stringify(status);
    if (text === this.#written) return;
    const { namespace, name, uid } = this.#pod.metadata;
    await this.#context.api.patch(
      `/api/v1/namespaces/${namespace}/pods/${name}/status`,
      { metadata: { uid }, status },
      STRATEGIC_PATCH,
    );
    this.#written = text;
  }
}
