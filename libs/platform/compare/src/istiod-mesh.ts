import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { appEntry, type MeshStatus, NODE_FLAGS, type ProcessStatus } from "@xebec/platform-local";
import { findProgram, isRunning, portHolder, processOf, RUN_ID_ENV } from "@xebec/platform-process";
import { gatewayBootstrap, istiodObjects, MESH_CONFIG } from "./istiod-objects.ts";
import { ComparedMesh, freePort, type StartTimes } from "./mesh.ts";

const POLL_MS = 15;
const START_MS = 60_000;
const HTTP_PORT = 8_080;
const XDS_PORT = 15_010;
const LONGEST_REASON = 500;
const APPLICATION = "productpage";

/** What it needs to know beside its shape. */
export interface IstiodPrograms {
  /** The folder of the sources: the application is that of Bookinfo. */
  readonly root: string;
  /** `pilot-discovery`. */
  readonly istiod: string;
}

/**
 * A mesh of Istio's own istiod: it takes its configuration from files, without Kubernetes and without a certificate authority, and has one
 * real Envoy, the ingress gateway, in front of one application. Sidecars of istiod cannot share a loopback interface: they listen at fixed ports.
 * Its processes are recorded as those of other meshes, so `xebec down` ends them.
 */
export class IstiodMesh extends ComparedMesh {
  readonly #programs: IstiodPrograms;
  #processes: ReadonlyMap<string, ChildProcess> = new Map();

  constructor(command: readonly string[], runDir: string, signal: AbortSignal, programs: IstiodPrograms) {
    super("istiod", command, runDir, signal);
    this.#programs = programs;
  }

  override async start(cache: "cold" | "warm"): Promise<StartTimes> {
    if (cache === "cold") rmSync(this.runDir, { recursive: true, force: true });
    for (const folder of [this.configDir, join(this.runDir, "logs")])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.ingressPort = await freePort();
    this.addressBlock ||= 2 + Math.floor(Math.random() * 250);
    const { root, istiod } = this.#programs;
    const [pilot, app] = [this.plan.service("pilot"), this.plan.app(0)];
    const admin = { host: this.plan.pod(0), port: 15_000 };
    const objects = istiodObjects({ ingressPort: this.ingressPort, application: { name: APPLICATION, address: app } });
    writeFileSync(join(this.configDir, "base.yaml"), objects);
    writeFileSync(join(this.runDir, "mesh.yaml"), MESH_CONFIG);
    const bootstrap = gatewayBootstrap({ pilot: { host: pilot, port: XDS_PORT }, admin, ip: this.plan.pod(0) });
    writeFileSync(join(this.runDir, "envoy.json"), JSON.stringify(bootstrap));
    const runId = randomUUID();
    // Before the first process runs: whoever ends the mesh finds them by this.
    this.#record(runId, new Map());
    const began = performance.now();
    const start = (name: string, command: readonly string[], env: Record<string, string> = {}) =>
      [name, this.#spawn(runId, name, command, env)] as const;
    const node = [process.execPath, ...NODE_FLAGS, appEntry(root, "deploy/samples/bookinfo")] as const;
    const envoy = findProgram("envoy", { root, env: process.env });
    const processes = new Map([
      start("service/istiod", [istiod, ...istiodFlags(pilot, this.configDir, this.runDir)], ISTIOD_ENV),
      start(`pod/default/${APPLICATION}/app`, [...node, APPLICATION, "v1"], { BIND_ADDRESS: app }),
      start("pod/istio-system/istio-ingressgateway/envoy", [
        ...[envoy, "-c", join(this.runDir, "envoy.json")],
        ...["--concurrency", "1", "--use-dynamic-base-id", "-l", "warning"],
      ]),
    ]);
    this.#processes = processes;
    this.#record(runId, processes);
    return this.#ready(began);
  }

  async #ready(began: number): Promise<StartTimes> {
    const since = (): number => (performance.now() - began) / 1_000;
    let [firstRequest, istiod]: (number | undefined)[] = [];
    while (firstRequest === undefined || istiod === undefined) {
      this.stopSignal.throwIfAborted();
      const [status, page] = await Promise.all([
        istiod === undefined ? this.status().catch(() => undefined) : undefined,
        this.get("/productpage").catch(() => undefined),
      ]);
      if (page?.status === 200) firstRequest ??= since();
      if (status?.processes.every((each) => each.ready)) istiod ??= since();
      for (const [name, { exitCode, signalCode }] of this.#processes)
        if (exitCode !== null || signalCode !== null)
          throw new XebecError("unavailable", `${name} has ended: ${this.#lastWords(name)}`);
      if (since() > START_MS / 1_000) throw new XebecError("deadline_exceeded", "istiod's mesh did not get ready");
      await sleep(POLL_MS, this.stopSignal);
    }
    return { firstRequest, allReady: Math.max(firstRequest, istiod), components: new Map([["istiod", istiod]]) };
  }

  /** Its folder does not outlast the comparison. */
  #lastWords(name: string): string {
    const lines = readFileSync(this.#logOf(name), "utf8").trim().split("\n");
    const reason = lines.findLast((line) => /\b(panic|error)\b/i.test(line)) ?? lines.at(-1);
    return (reason || "it wrote nothing").slice(0, LONGEST_REASON);
  }

  #logOf(name: string): string {
    return join(this.runDir, "logs", `${name.replaceAll("/", "_")}.log`);
  }

  override async status(): Promise<MeshStatus> {
    const pid = this.#processes.get("service/istiod")?.pid;
    const address = this.plan.service("pilot");
    // Its own /ready waits for an injector, which it does not have without Kubernetes. It listens when its caches are synced.
    const ready = pid !== undefined && portHolder(address, XDS_PORT, [pid]) === "own";
    const istiod: ProcessStatus = {
      ...{ name: "istiod", kind: "service", addresses: [address], pid },
      ...{ ready, restarts: 0, log: this.#logOf("service/istiod"), problem: "" },
    };
    return { processes: [istiod] } as unknown as MeshStatus;
  }

  override async replace(): Promise<void> {
    throw new XebecError("failed_precondition", "istiod has no other build here");
  }

  #spawn(
    runId: string,
    name: string,
    [program = "", ...args]: readonly string[],
    env: Readonly<Record<string, string>>,
  ): ChildProcess {
    const out = openSync(this.#logOf(name), "a", 0o600);
    try {
      const { PATH = "", HOME = "" } = process.env;
      return spawn(program, args, {
        ...{ cwd: this.runDir, detached: true, stdio: ["ignore", out, out] as const },
        env: { PATH, HOME, ...env, [RUN_ID_ENV]: runId },
      }).on("error", () => {});
    } finally {
      closeSync(out);
    }
  }

  /** As the laptop's supervisor does. */
  #record(runId: string, processes: ReadonlyMap<string, ChildProcess>): void {
    const ids = [...processes].flatMap(([name, { pid }]) => {
      const id = pid === undefined ? undefined : processOf(pid);
      return id && isRunning(id) ? [[name, id] as const] : [];
    });
    const state = { runId, processes: Object.fromEntries(ids), starting: {}, pods: [] };
    writeFileSync(join(this.runDir, "state.json"), JSON.stringify(state), { mode: 0o600 });
  }
}

/** What has no file, no key and no API server here is switched off, and so are filters that Envoy has only in Istio's build. */
const ISTIOD_ENV: Readonly<Record<string, string>> = {
  ENABLE_CA_SERVER: "false",
  PILOT_CERT_PROVIDER: "none",
  PILOT_ENABLE_METADATA_EXCHANGE: "false",
  PILOT_ENABLE_ALPN_FILTER: "false",
  INJECT_ENABLED: "false",
  // It would refuse most of a thousand proxies that come at once.
  PILOT_MAX_REQUESTS_PER_SECOND: "100000",
  POD_NAMESPACE: "istio-system",
  POD_NAME: "istiod",
};

function istiodFlags(address: string, configDir: string, runDir: string): readonly string[] {
  return [
    ...["discovery", "--registries=", "--configDir", configDir, "--meshConfig", join(runDir, "mesh.yaml")],
    ...["--grpcAddr", `${address}:${XDS_PORT}`, "--secureGRPCAddr", "", "--httpsAddr", ""],
    ...["--httpAddr", `${address}:${HTTP_PORT}`, "--monitoringAddr", `${address}:15014`],
    ...["--ctrlz_address", address, "--networksConfig", join(runDir, "networks.yaml")],
  ];
}
