import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { waitFor } from "@xebec/core-async";
import type { Condition } from "@xebec/model-resources";
import { appEntry, type MeshStatus } from "@xebec/platform-local";
import { isRunning, processesWithEnv, processOf, RUN_ID_ENV } from "@xebec/platform-process";
import { freeAddressBlock, freePort, tempDir } from "@xebec/testing-launch";

const ROOT = join(import.meta.dirname, "../..");
const SAMPLES = join(ROOT, "deploy/samples/bookinfo");
const BASE = [
  "platform/bookinfo.yaml",
  "platform/ingress-gateway.yaml",
  "networking/bookinfo-gateway.yaml",
  "networking/destination-rule-all.yaml",
  "telemetry/metrics.yaml",
];

const WHOLE_PAGES = 20;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A whole mesh with Bookinfo: real NATS, services, agents and Envoys, in directories of its own. */
export class Mesh implements AsyncDisposable {
  readonly ingressPort: number;
  readonly addressBlock: number;
  readonly configDir: string;
  readonly runDir: string;
  readonly #folder = tempDir();
  #supervisor: ChildProcess | undefined;
  #runId = "";
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  private constructor(ingressPort: number, addressBlock: number) {
    this.ingressPort = ingressPort;
    this.addressBlock = addressBlock;
    this.configDir = this.#folder.file("config");
    this.runDir = this.#folder.file("run");
  }

  /**
   * Starts it and waits until the product page is there, where there is one. `prepare` may change the configuration before.
   * @param options.adapters folders of Mixer's adapters from outside
   * @param options.base files of Bookinfo that there are from the beginning
   */
  static async start({
    monolith = false,
    busTls = false,
    adapters = [] as readonly string[],
    base = BASE as readonly string[],
    prepare = (_mesh: Mesh): void => {},
  } = {}): Promise<Mesh> {
    const mesh = new Mesh(await freePort(), freeAddressBlock());
    mkdirSync(mesh.configDir);
    mkdirSync(mesh.runDir);
    for (const file of base) mesh.copy(file);
    prepare(mesh);
    const options = {
      configDir: mesh.configDir,
      addressBlock: mesh.addressBlock,
      ingressPort: mesh.ingressPort,
      monolith,
      busTls,
      adapters,
    };
    writeFileSync(join(mesh.runDir, "options.json"), JSON.stringify(options));
    try {
      await mesh.supervise();
      await waitFor(
        "every pod is ready",
        60_000,
        async () => (await mesh.status()).processes.every((managed) => managed.ready),
        100,
      );
      if (!base.includes("platform/bookinfo.yaml")) return mesh;
      // Each replica has a proxy of its own, which may learn of the others a moment later.
      let whole = 0;
      let other = "";
      await waitFor(
        `${WHOLE_PAGES} whole pages one after another`,
        60_000,
        async () => {
          const page = await mesh.get("/productpage");
          if (!pageIsWhole(page)) other = errorOf(page);
          whole = pageIsWhole(page) ? whole + 1 : 0;
          return whole >= WHOLE_PAGES;
        },
        20,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; ${whole} are whole, before them: ${other || "none that was not"}`);
      });
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
    return mesh;
  }

  /** Starts a supervisor (again); it adopts what runs. */
  async supervise(): Promise<void> {
    this.spawnSupervisor();
    await waitFor("the supervisor answers", 20_000, async () => {
      if (this.#supervisor?.exitCode !== null)
        throw new Error(readFileSync(join(this.runDir, "supervisor.log"), "utf8").slice(-2000));
      this.#runId = (await this.status()).runId;
      return true;
    });
  }

  /** Starts a supervisor and does not wait until it answers. */
  spawnSupervisor(): void {
    const log = openSync(join(this.runDir, "supervisor.log"), "a");
    const entry = appEntry(ROOT, "apps/xebec").replace(/main\.(ts|mjs)$/, "supervisor-main.$1");
    this.#supervisor = spawn(process.execPath, [entry], {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, XEBEC_HOME: this.runDir, NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/xebec-e2e") },
    });
    closeSync(log);
  }

  get runId(): string {
    return this.#runId;
  }

  get supervisorPid(): number {
    return this.#supervisor?.pid ?? 0;
  }

  address(host: number): string {
    return `127.${this.addressBlock}.0.${host}`;
  }

  /** Asks the supervisor's control socket. */
  async control<T>(path: string, method = "GET"): Promise<T> {
    const answer = await call({ socketPath: join(this.runDir, "control.sock"), path, method, timeout: 30_000 });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  /** Runs the command line of this mesh. */
  async xebec(args: readonly string[], input = ""): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [join(ROOT, "apps/xebec/bin/xebec.mjs"), ...args], {
      env: { ...process.env, XEBEC_HOME: this.runDir },
    });
    child.stdin.end(input);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, out, err };
  }

  /** What `xebec check` says. @throws with what it printed when something is wrong */
  async isGreen(): Promise<boolean> {
    const { code, out } = await this.xebec(["check"]);
    assert.equal(code, 0, out);
    return true;
  }

  status(): Promise<MeshStatus> {
    return this.control<MeshStatus>("/status");
  }

  conditions(): Promise<Condition[]> {
    return this.control<Condition[]>("/conditions");
  }

  /** The process id of a service, or of a container of the pod whose name begins so. */
  async pid(service: string): Promise<number> {
    const { processes } = JSON.parse(readFileSync(join(this.runDir, "state.json"), "utf8")) as {
      processes: Record<string, { pid: number; startTime: string }>;
    };
    const found = Object.entries(processes).find(
      ([name]) =>
        name === `service/${service}` || (name.startsWith(`pod/${service}`) && !name.endsWith("/istio-proxy")),
    );
    if (!found) throw new Error(`no process ${service}`);
    return found[1].pid;
  }

  /** A process of a pod's proxy: the agent, or the Envoy beside it. */
  proxyPid(pod: string, program: "agent" | "envoy"): number {
    const { processes, pods } = JSON.parse(readFileSync(join(this.runDir, "state.json"), "utf8")) as {
      processes: Record<string, { pid: number }>;
      pods: { name: string; namespace: string }[];
    };
    const found = pods.find((each) => each.name.startsWith(pod));
    const agent = Object.entries(processes).find(
      ([name]) => name === `pod/${found?.namespace}/${found?.name}/istio-proxy`,
    )?.[1].pid;
    if (agent === undefined) throw new Error(`no proxy of ${pod}`);
    if (program === "agent") return agent;
    const name = Buffer.from(`POD_NAME=${found?.name}\0`);
    const envoy = processesWithEnv(RUN_ID_ENV, this.#runId).find(
      ({ pid }) =>
        readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("envoy") &&
        readFileSync(`/proc/${pid}/environ`).includes(name),
    );
    if (!envoy) throw new Error(`no Envoy of ${pod}`);
    return envoy.pid;
  }

  /** A request through the ingress gateway. */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return call({ host: "127.0.0.1", port: this.ingressPort, path, headers, agent: this.#agent, timeout: 15_000 });
  }

  /** A request to an address of the mesh itself: admin, metrics, debug. */
  direct(host: string, port: number, path: string): Promise<Answer> {
    return call({ host, port, path, timeout: 10_000 });
  }

  /** The version of reviews that a page was made with; empty when it shows none. */
  async reviewsVersion(headers: Record<string, string> = {}): Promise<string> {
    return /data-version="(v\d)"/.exec((await this.get("/productpage", headers)).body)?.[1] ?? "";
  }

  /** Copies a sample into the configuration, or saves a text there, in one step as editors do. */
  copy(sample: string, name = sample.replaceAll("/", "-")): void {
    cpSync(join(SAMPLES, sample), join(this.configDir, `.${name}`));
    renameSync(join(this.configDir, `.${name}`), join(this.configDir, name));
  }

  save(name: string, text: string): void {
    writeFileSync(join(this.configDir, `.${name}`), text);
    renameSync(join(this.configDir, `.${name}`), join(this.configDir, name));
  }

  remove(name: string): void {
    rmSync(join(this.configDir, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    const supervisor = this.#supervisor;
    await this.control("/down", "POST").catch(() => supervisor?.kill("SIGKILL"));
    if (supervisor && supervisor.exitCode === null && supervisor.signalCode === null) await once(supervisor, "exit");
    if (this.#runId)
      for (const left of processesWithEnv(RUN_ID_ENV, this.#runId))
        if (isRunning(left)) process.kill(left.pid, "SIGKILL");
    if (process.env.KEEP_MESH === "1") console.error(`kept: ${this.runDir}`);
    else this.#folder.remove();
  }
}

export function call(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
      response.on("error", reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Steady requests through the ingress while something happens; counts what fails. */
export class Load implements AsyncDisposable {
  readonly #mesh: Mesh;
  readonly #stop = new AbortController();
  readonly #workers: Promise<void>[];
  sent = 0;
  readonly failures: string[] = [];

  constructor(mesh: Mesh, path = "/productpage", isGood: (answer: Answer) => boolean = pageIsWhole) {
    this.#mesh = mesh;
    this.#workers = Array.from({ length: 3 }, () => this.#work(path, isGood));
  }

  async #work(path: string, isGood: (answer: Answer) => boolean): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.sent++;
      try {
        const answer = await this.#mesh.get(path);
        if (!isGood(answer)) this.failures.push(errorOf(answer));
      } catch (error) {
        this.failures.push((error as Error).message);
      }
    }
  }

  /** Waits until so many more requests were sent. */
  async more(count: number): Promise<void> {
    const until = this.sent + count;
    await waitFor(`${count} more requests`, 60_000, () => this.sent >= until);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#workers);
  }

  /** A test that fails must not leave it running. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** A VirtualService that sends all calls of reviews to one subset. */
export function reviewsTo(subset: string): string {
  return `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: ${subset}}
`;
}

/** A page with details, reviews and (where there are stars) ratings. */
export function pageIsWhole(answer: Answer): boolean {
  return (
    answer.status === 200 &&
    answer.body.includes("Reviews served by") &&
    answer.body.includes("paperback") &&
    !answer.body.includes('class="error"')
  );
}

/** What a page says went wrong. */
function errorOf({ status, body }: Answer): string {
  return `${status} ${/class="error">([^<]*)/.exec(body)?.[1] ?? body.slice(0, 200)}`;
}

/** Kills a process and waits until it is gone. */
export async function killHard(pid: number): Promise<void> {
  const id = processOf(pid);
  process.kill(pid, "SIGKILL");
  await waitFor(`process ${pid} is gone`, 5_000, () => !id || !isRunning(id));
}
