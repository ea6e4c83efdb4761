import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { MONITORING_PORT, SERVICES } from "@xebec/platform-local";
import {
  describeProcessesWithEnv,
  INSTANCE_ID_ENV,
  isRunning,
  PROCESS_NAME_ENV,
  type ProcessId,
  processOf,
  RUN_ID_ENV,
} from "@xebec/platform-process";
import { Load, Mesh, reviewsTo } from "./mesh.ts";
import { Random } from "./random.ts";
import { slowApp } from "./slow-app.ts";

const CONVERGED_MS = 30_000;
/** Drills are short unless asked for: a number says how many times as long. */
const LENGTH = Number(process.env.XEBEC_DRILLS ?? 1);
const SEED = Number(process.env.XEBEC_SEED ?? Date.now() % 1_000_000);
const CONTROL_PLANE = [...SERVICES, "nats"] as const;
/** What galley says while a publication is not taken: after five seconds or more, however busy the machine is. */
const TAKES_NOTHING = /the bus has taken no change of the bucket \\"config\\" for \d+ s: /;
const CHECK_TELLS_IT =
  /^FAILED +service\/galley .*\n +.*the bus has taken no change of the bucket "config" for \d+ s: /m;

describe(`drills (XEBEC_SEED=${SEED})`, () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({ prepare: (each) => each.save("slow.yaml", slowApp()) });
    await waitFor("the slow app", CONVERGED_MS, async () => (await mesh.get("/slow")).status === 200);
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  const readyPods = async (deployment: string): Promise<string[]> =>
    (await mesh.status()).processes.flatMap(({ name, ready }) =>
      ready && name.includes(`/${deployment}-`) ? [name] : [],
    );

  async function noneFailed(load: Load): Promise<void> {
    await load.more(20);
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests, seed ${SEED}`);
  }

  /** All reviews come from one version. */
  async function sendsTo(version: string): Promise<boolean> {
    for (let i = 0; i < 5; i++) if ((await mesh.reviewsVersion()) !== version) return false;
    return true;
  }

  it("a rolling update, and scaling down and up, lose no request", async () => {
    await using load = new Load(mesh, "/slow", ({ status }) => status === 200);
    await load.more(10);
    const old = await readyPods("slow");
    mesh.save("slow.yaml", slowApp({ version: "v2" }));
    await waitFor("two new pods", CONVERGED_MS, async () => {
      const now = await readyPods("slow");
      return now.length === 2 && !now.some((each) => old.includes(each));
    });
    await load.more(20);
    for (const replicas of [1, 3, 2]) {
      mesh.save("slow.yaml", slowApp({ version: "v2", replicas }));
      await waitFor(`${replicas} pods`, CONVERGED_MS, async () => (await readyPods("slow")).length === replicas);
      await load.more(20);
    }
    await noneFailed(load);
  });

  it("scaling one of three versions to zero and back loses no request", async () => {
    await using load = new Load(mesh);
    for (const replicas of [0, 1]) {
      scale(mesh, "reviews-v3", replicas);
      await waitFor("its pods", CONVERGED_MS, async () => (await readyPods("reviews-v3")).length === replicas);
      await load.more(30);
    }
    await noneFailed(load);
  });

  it("probes work through the agent while mutual TLS is strict", async () => {
    mesh.copy("security/mtls-strict.yaml", "strict.yaml");
    const details = await proxyOf("details");
    await waitFor("nobody gets past the proxy without a certificate", CONVERGED_MS, () =>
      mesh.direct(details, 9080, "/details/0").then(
        () => false,
        () => true,
      ),
    );
    mesh.save("slow.yaml", slowApp({ version: "v3" }));
    const { pods } = JSON.parse(readFileSync(join(mesh.runDir, "state.json"), "utf8")) as {
      pods: { name: string; spec: { spec: { containers: { readinessProbe?: unknown }[] } } }[];
    };
    const slow = pods.find(({ name }) => name.startsWith("slow-"));
    assert.deepEqual(slow?.spec.spec.containers[0]?.readinessProbe, {
      periodSeconds: 1,
      httpGet: { path: "/app-health/slow/readyz", port: 15_020, scheme: "HTTP" },
    });
    await waitFor("new pods are ready", CONVERGED_MS, async () => (await mesh.get("/slow")).body === "v3");
    mesh.remove("strict.yaml");
  });

  it("a part that hangs for a while costs no request, and what changed meanwhile arrives", async () => {
    const agent = (): number => mesh.proxyPid("reviews-v1", "agent");
    const parts: [string, () => number | Promise<number>][] = [
      ...CONTROL_PLANE.map((each): [string, () => Promise<number>] => [each, () => mesh.pid(each)]),
      ["supervisor", () => mesh.supervisorPid],
      ["an agent", agent],
    ];
    await using load = new Load(mesh);
    for (const [i, [name, pid]] of parts.entries()) {
      const version = i % 2 === 0 ? "v1" : "v2";
      const stopped = await pid();
      process.kill(stopped, "SIGSTOP");
      try {
        mesh.save("routes.yaml", reviewsTo(version));
        await load.more(80 * LENGTH);
      } finally {
        process.kill(stopped, "SIGCONT");
      }
      await waitFor(`the change made while ${name} hung`, CONVERGED_MS, () => sendsTo(version));
    }
    mesh.remove("routes.yaml");
    await noneFailed(load);
  });

  it("a subset that is renamed while pilot is away, stopped or killed, costs no request", async () => {
    // Its own rule has names of its own.
    mesh.remove("networking-destination-rule-all.yaml");
    mesh.save("routes.yaml", renamed("first"));
    await waitFor("the first name", CONVERGED_MS, () => sendsTo("v1"));
    await using load = new Load(mesh);
    for (const [name, away] of [
      ["second", "SIGSTOP"],
      ["third", "SIGKILL"],
    ] as const) {
      const pilot = await mesh.pid("pilot");
      process.kill(pilot, away);
      mesh.save("routes.yaml", renamed(name));
      await load.more(30);
      if (away === "SIGSTOP") process.kill(pilot, "SIGCONT");
      await waitFor("every proxy has the new name", CONVERGED_MS, async () => {
        const proxies = await mesh.control<{ proxy: string }[]>("/proxies?strict");
        const processes = (await mesh.status()).processes.filter(({ kind }) => kind === "pod");
        if (proxies.length < processes.length) return false;
        const clusters = await mesh.direct(await proxyOf("productpage"), 15_000, "/clusters");
        return clusters.body.includes(`|${name}|`);
      });
      await load.more(30);
    }
    await noneFailed(load);
    mesh.copy("networking/destination-rule-all.yaml");
    mesh.remove("routes.yaml");
  });

  it("a store of NATS that takes no changes, although it says that all is well, makes galley unready and check red, and heals", async () => {
    await using load = new Load(mesh);
    const server = await mesh.pid("nats");
    const folder = join(mesh.runDir, "nats");
    rmSync(join(folder, "store"), { recursive: true });
    // The supervisor starts no server where there is no folder for its store: so there is time to look.
    renameSync(folder, `${folder}-away`);
    const galley = (await mesh.status()).processes.find(({ name }) => name === "galley")?.addresses[0] ?? "";
    const missing = async (): Promise<string> => (await mesh.direct(galley, MONITORING_PORT, "/readyz")).body;
    try {
      // It writes on into files without a name until a block is full.
      let round = 0;
      const isUnready = async (): Promise<boolean> => {
        mesh.save("large.yaml", large(round++));
        return TAKES_NOTHING.test(await missing());
      };
      await waitFor("galley is not ready", 60_000, isUnready, 300);
      const { code, out } = await mesh.xebec(["check"]);
      assert.deepEqual([code, CHECK_TELLS_IT.test(out)], [1, true], out);
    } finally {
      renameSync(`${folder}-away`, folder);
    }
    mesh.remove("large.yaml");
    mesh.save("routes.yaml", reviewsTo("v2"));
    await waitFor("another nats-server", CONVERGED_MS, async () => (await mesh.pid("nats")) !== server);
    await waitFor("the last change", CONVERGED_MS, () => sendsTo("v2"));
    mesh.remove("routes.yaml");
    await waitFor("xebec check is green", CONVERGED_MS, () => mesh.isGreen());
    await noneFailed(load);
  });

  async function proxyOf(pod: string): Promise<string> {
    return (await mesh.status()).processes.find(({ name }) => name.includes(`/${pod}`))?.addresses[0] ?? "";
  }

  /** Everything is ready, each part is one process, and nothing restarts any more. */
  async function healed(): Promise<void> {
    await waitFor(
      "everything is ready",
      60_000,
      async () => (await mesh.status()).processes.every((name) => name.ready),
      100,
    );
    await waitFor("xebec check is green", CONVERGED_MS, () => mesh.isGreen());
    const once = mainProcesses(mesh.runId);
    const twice = [...once]
      .filter(([, found]) => found.length !== 1)
      .map(([name, found]) => `${name}: ${found.length}`);
    assert.deepEqual(twice, [], `seed ${SEED}`);
    // Longer than the pause of a part that fails at its start: what loops would have another process by then.
    for (let i = 0; i < 4; i++) {
      await sleep(1_000);
      const now = mainProcesses(mesh.runId);
      assert.deepEqual(pids(now), pids(once), `something has restarted, seed ${SEED}`);
    }
  }

  it("kills of the control plane, the agents and the supervisor at random moments cost no request", async () => {
    const random = new Random(SEED);
    await using load = new Load(mesh);
    for (let i = 0; i < 8 * LENGTH; i++) {
      // The supervisor is killed wherever it is: while it starts, adopts, or restarts what was killed.
      for (let n = random.below(3); n >= 0; n--) kill(victim(random, false));
      await sleep(50 + random.below(900));
      killNow(mesh.supervisorPid);
      mesh.spawnSupervisor();
    }
    await sleep(random.below(500));
    killNow(mesh.supervisorPid);
    await mesh.supervise();
    await healed();
    await noneFailed(load);
  });

  it("kills of everything at random moments leave a mesh that heals by itself", async () => {
    const random = new Random(SEED + 1);
    for (let i = 0; i < 6 * LENGTH; i++) {
      for (let n = random.below(4); n >= 0; n--) kill(victim(random, true));
      if (random.below(2) === 0) {
        killNow(mesh.supervisorPid);
        mesh.spawnSupervisor();
      }
      await sleep(50 + random.below(700));
    }
    killNow(mesh.supervisorPid);
    await mesh.supervise();
    await healed();
    await using load = new Load(mesh);
    await noneFailed(load);
  });

  /** Any process of the mesh, or one whose end no request may feel. */
  function victim(random: Random, any: boolean): ProcessId | undefined {
    const all = describeProcessesWithEnv(RUN_ID_ENV, mesh.runId);
    const chosen = all.filter((each) => {
      const name = each.env(PROCESS_NAME_ENV);
      return any || name?.startsWith("service/") || name?.endsWith("/istio-proxy");
    });
    return chosen.length > 0 ? random.of(chosen.toSorted((a, b) => a.pid - b.pid)) : undefined;
  }
});

/** The first process of each start, by name: no other process of the same start is above them. */
function mainProcesses(runId: string): Map<string, ProcessId[]> {
  const all = describeProcessesWithEnv(RUN_ID_ENV, runId);
  const instances = new Map(all.map((each) => [each.pid, each.env(INSTANCE_ID_ENV)]));
  const found = new Map<string, ProcessId[]>();
  for (const each of all) {
    const name = each.env(PROCESS_NAME_ENV);
    if (name && instances.get(each.parent) !== each.env(INSTANCE_ID_ENV))
      found.set(name, [...(found.get(name) ?? []), each]);
  }
  return found;
}

function pids(processes: ReadonlyMap<string, readonly ProcessId[]>): Record<string, number[]> {
  return Object.fromEntries([...processes].map(([name, found]) => [name, found.map(({ pid }) => pid)]).sort());
}

function kill(id: ProcessId | undefined): void {
  if (id && isRunning(id)) process.kill(id.pid, "SIGKILL");
}

function killNow(pid: number): void {
  kill(processOf(pid));
}

/** Reviews' first version under a name of its own. */
function renamed(subset: string): string {
  return `${reviewsTo(subset)}---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: reviews-named}
spec:
  host: reviews
  subsets: [{name: ${subset}, labels: {version: v1}}]
`;
}

/** Some hundred kilobytes that concern nobody. */
function large(round: number): string {
  const names = ["a", "b", "c", "d"];
  return names
    .map(
      (name) => `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: large-${name}}
spec:
  hosts: [large-${name}.example.com]
  http:
  - match: [{headers: {x: {exact: ${JSON.stringify(`${round}-${"x".repeat(100_000)}`)}}}}]
    route: [{destination: {host: reviews}}]
`,
    )
    .join("---\n");
}

/** Writes Bookinfo's manifests with other replicas of a Deployment. */
function scale(mesh: Mesh, deployment: string, replicas: number): void {
  const file = "platform-bookinfo.yaml";
  const documents = readFileSync(join(mesh.configDir, file), "utf8").split("\n---\n");
  const at = documents.findIndex((each) => each.includes("kind: Deployment") && each.includes(`name: ${deployment}\n`));
  assert.notEqual(at, -1, `${deployment} is not in ${file}`);
  documents[at] = (documents[at] ?? "").replace(/replicas: \d+/, `replicas: ${replicas}`);
  mesh.save(file, documents.join("\n---\n"));
}
