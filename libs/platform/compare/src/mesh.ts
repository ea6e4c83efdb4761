import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { addressPlan, type MeshStatus, type ProcessStatus, replicaOf, SERVICES } from "@xebec/platform-local";
import { type ProcessCost, processCost, processesWithEnv, RUN_ID_ENV } from "@xebec/platform-process";
import { BusGates } from "./bus-gates.ts";

const POLL_MS = 15;
/** The first number of `serverAddress` that is a way to the bus. */
const FIRST_GATE = 200;
const REPLACE_MS = 30_000;
const START_MS = 300_000;
const TRIES = 5;
const DISCOVERY_PORT = 15_010;
/** Services, pods and applications have 0 to 2 (`addressPlan`). */
const SERVER_NET = 99;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** When the parts of a mesh were ready, in seconds from its start. */
export interface StartTimes {
  readonly firstRequest: number;
  readonly allReady: number;
  /** Each component of the control plane. */
  readonly components: ReadonlyMap<string, number>;
}

/** A mesh of one shape, in a run directory of its own, started and ended by the command `xebec`. */
export class ComparedMesh {
  readonly shape: string;
  readonly runDir: string;
  readonly #command: readonly string[];
  readonly #signal: AbortSignal;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  ingressPort = 0;
  addressBlock = 0;
  #saved = 0;
  #replicas: Readonly<Record<string, number>> = {};
  #isCuttable = false;
  #gates: BusGates | undefined;
  #applications: readonly string[] | undefined;

  /**
   * @param command what `xebec` is started with
   * @param runDir is made; the caller removes it
   * @param signal ends what waits
   */
  constructor(shape: string, command: readonly string[], runDir: string, signal: AbortSignal) {
    this.shape = shape;
    this.#command = command;
    this.runDir = runDir;
    this.#signal = signal;
  }

  /** Ends what waits. */
  protected get stopSignal(): AbortSignal {
    return this.#signal;
  }

  get configDir(): string {
    return join(this.runDir, "config");
  }

  /**
   * Starts the mesh and waits until it is whole.
   * @param cache "cold" removes what an earlier start has left
   * @param replicas copies of components, one each where it says nothing; those of before
   * @throws XebecError unavailable with what `xebec up` has said
   */
  async start(cache: "cold" | "warm", replicas = this.#replicas): Promise<StartTimes> {
    this.#replicas = replicas;
    if (cache === "cold") rmSync(this.runDir, { recursive: true, force: true });
    mkdirSync(this.runDir, { recursive: true, mode: 0o700 });
    for (let attempt = 1; ; attempt++) {
      this.ingressPort ||= await freePort();
      this.addressBlock ||= 2 + Math.floor(Math.random() * 250);
      try {
        this.#gates?.close();
        this.#gates = this.#isCuttable
          ? await BusGates.open(
              this.shape === "monolith" ? ["istiod"] : SERVICES,
              (n) => this.serverAddress(FIRST_GATE + n),
              this.plan.nats,
            )
          : undefined;
        return await this.#up();
      } catch (error) {
        this.ingressPort = 0;
        this.addressBlock = 0;
        // Somebody else has taken the port or the addresses meanwhile.
        if (attempt === TRIES || !/in use|is taken|EADDRINUSE/.test((error as Error).message)) throw error;
      }
    }
  }

  async #up(): Promise<StartTimes> {
    this.#applications = undefined;
    const began = performance.now();
    const since = (): number => (performance.now() - began) / 1_000;
    const args = ["up", "--detach", "--timeout", String(START_MS / 1_000)];
    if (this.shape === "monolith") args.push("--monolith");
    for (const [component, count] of Object.entries(this.#replicas)) args.push("--replicas", `${component}=${count}`);
    for (const address of this.#gates?.addresses ?? []) args.push("--bus-address", address);
    args.push("--ingress-port", String(this.ingressPort), "--address-block", String(this.addressBlock));
    const child = this.#spawn(args);
    const said = text(child.stderr as NodeJS.ReadableStream as never);
    const ended = once(child, "close") as Promise<[number | null]>;
    let code: number | null | undefined;
    void ended.then(([each]) => {
      code = each;
    });
    const components = new Map<string, number>();
    let firstRequest: number | undefined;
    let allReady: number | undefined;
    while (allReady === undefined || firstRequest === undefined) {
      this.#signal.throwIfAborted();
      if (code !== undefined && code !== 0) throw new XebecError("unavailable", `xebec up: ${await said}`);
      if (since() > START_MS / 1_000) throw new XebecError("deadline_exceeded", "the mesh did not get ready");
      const [status, page] = await Promise.all([
        this.status().catch(() => undefined),
        firstRequest === undefined ? this.get("/productpage").catch(() => undefined) : undefined,
      ]);
      if (page?.status === 200) firstRequest ??= since();
      for (const each of status?.processes ?? [])
        if (each.kind === "service" && each.ready && !components.has(each.name)) components.set(each.name, since());
      if (status && status.processes.length > 0 && status.processes.every((each) => each.ready)) allReady ??= since();
      await sleep(POLL_MS, this.#signal);
    }
    await ended;
    return { firstRequest, allReady, components };
  }

  /** Whether components are to be cut off from the bus; counts for the next start. */
  get isCuttable(): boolean {
    return this.#isCuttable;
  }

  set isCuttable(is: boolean) {
    this.#isCuttable = is;
  }

  /** Cuts a component off from the bus. @returns ends that */
  cutFromBus(component: string): () => void {
    if (!this.#gates)
      throw new XebecError("internal", "this mesh has not been started so that components can be cut off");
    return this.#gates.cut(component);
  }

  /** Whether it runs with so many copies. */
  hasReplicas(counts: Readonly<Record<string, number>>): boolean {
    const names = new Set([...Object.keys(counts), ...Object.keys(this.#replicas)]);
    return [...names].every((name) => (counts[name] ?? 1) === (this.#replicas[name] ?? 1));
  }

  /** Replaces a component by that of another build. @returns when the old one has ended @throws XebecError when it cannot */
  async replace(component: string, build: string): Promise<void> {
    const path = `/replace/${component}?build=${encodeURIComponent(build)}`;
    const answer = await call({
      ...{ socketPath: join(this.runDir, "control.sock"), method: "POST", path },
      timeout: REPLACE_MS,
    });
    if (answer.status !== 200) throw new XebecError("unavailable", `${component} is not replaced: ${answer.body}`);
  }

  async end(): Promise<void> {
    const child = this.#spawn(["down"]);
    const [said] = await Promise.all([text(child.stderr as never), once(child, "close")]);
    this.#gates?.close();
    this.#gates = undefined;
    if (child.exitCode !== 0) throw new XebecError("internal", `xebec down: ${said}`);
  }

  /** Saves a file of the configuration at once, as an editor does. */
  save(name: string, content: string): void {
    const path = join(this.configDir, `compare-${name}.yaml`);
    const draft = join(this.runDir, `compare-draft-${++this.#saved}`);
    writeFileSync(draft, content);
    renameSync(draft, path);
  }

  remove(name: string): void {
    rmSync(join(this.configDir, `compare-${name}.yaml`), { force: true });
  }

  /** Asks the ingress gateway. @throws Error when nobody answers */
  get(path: string, headers: Readonly<Record<string, string>> = {}, timeoutMs = 5_000): Promise<Answer> {
    return call({ host: "127.0.0.1", port: this.ingressPort, path, headers, agent: this.#agent, timeout: timeoutMs });
  }

  /** Asks a port of a component. @param host its address */
  getFrom(host: string, port: number, path: string): Promise<Answer> {
    return call({ host, port, path, timeout: 5_000 });
  }

  /** Where proxies are served without TLS. */
  get discovery(): string {
    return `${this.plan.service("pilot")}:${DISCOVERY_PORT}`;
  }

  /** Where servers beside the mesh may listen, one for each number. */
  serverAddress(n: number): string {
    return `127.${this.addressBlock}.${SERVER_NET}.${1 + (n % 250)}`;
  }

  /** The pods that are not gateways. */
  async applicationAddresses(): Promise<readonly string[]> {
    this.#applications ??= (await this.status()).processes
      .filter(({ kind, name }) => kind === "pod" && !name.includes("gateway"))
      .map(({ addresses }) => addresses[0] as string);
    return this.#applications;
  }

  get plan(): ReturnType<typeof addressPlan> {
    return addressPlan(this.addressBlock);
  }

  async status(): Promise<MeshStatus> {
    const answer = await call({ socketPath: join(this.runDir, "control.sock"), path: "/status", timeout: 5_000 });
    if (answer.status !== 200) throw new XebecError("unavailable", answer.body);
    return JSON.parse(answer.body) as MeshStatus;
  }

  /** The processes of the control plane: services, or the one of them, and the bus. */
  async components(): Promise<readonly ProcessStatus[]> {
    return (await this.status()).processes.filter(({ kind }) => kind === "service");
  }

  /** All processes by what they are: components, `supervisor`, `agents`, `Envoys`, `application`. */
  processes(): ReadonlyMap<string, readonly number[]> {
    const state = JSON.parse(readFileSync(join(this.runDir, "state.json"), "utf8")) as {
      runId: string;
      processes: Record<string, { pid: number }>;
    };
    const groups = new Map<string, number[]>();
    const known = new Set<number>();
    const add = (group: string, pid: number): void => {
      known.add(pid);
      groups.set(group, [...(groups.get(group) ?? []), pid]);
    };
    for (const [name, { pid }] of Object.entries(state.processes)) {
      const [kind, first, , container] = name.split("/");
      add(
        kind === "service"
          ? (replicaOf(first as string)?.component ?? (first as string))
          : container === "istio-proxy"
            ? "agents"
            : "application",
        pid,
      );
    }
    for (const { pid } of processesWithEnv(RUN_ID_ENV, state.runId))
      if (!known.has(pid)) add(commandOf(pid).startsWith("envoy") ? "Envoys" : "supervisor", pid);
    for (const name of ["supervisor", "watchdog"]) {
      const pid = recordedPid(join(this.runDir, `${name}.json`));
      if (pid !== undefined && !known.has(pid)) add("supervisor", pid);
    }
    return groups;
  }

  costs(): ReadonlyMap<string, ProcessCost> {
    const costs = new Map<string, ProcessCost>();
    for (const [group, pids] of this.processes()) {
      let sum: ProcessCost = { cpuNs: 0, wakeUps: 0, pssKib: 0, rssKib: 0 };
      for (const pid of pids) {
        const each = processCost(pid);
        if (each)
          sum = {
            cpuNs: sum.cpuNs + each.cpuNs,
            wakeUps: sum.wakeUps + each.wakeUps,
            pssKib: sum.pssKib + each.pssKib,
            rssKib: sum.rssKib + each.rssKib,
          };
      }
      costs.set(group, sum);
    }
    return costs;
  }

  #spawn(args: readonly string[]): ChildProcess {
    const [program = process.execPath, ...rest] = this.#command;
    return spawn(program, [...rest, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, XEBEC_HOME: this.runDir, NODE_COMPILE_CACHE: join(this.runDir, "compile-cache") },
    });
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

function recordedPid(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid;
  } catch {
    return undefined; // a mesh that runs without a watchdog has no such file
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  // The HTTPS port of the gateway is 363 above.
  return port > 65_000 ? port - 1_000 : port;
}

function call(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end();
  });
}
