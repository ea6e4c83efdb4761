// A mesh with two replicas of everything, on bad days. By hand, with a whole minute without etcd and each kill alone:
// XEBEC_STORM_SECONDS=60 node --test tests/kube/storms.test.ts
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { createRoot, privateKeyPem } from "@xebec/model-pki";
import { clusterMissing, startCluster, type TestCluster } from "@xebec/testing-kube";
import { helmMissing } from "./helm.testkit.ts";
import { type Answer, OpenLoop } from "./open-loop.testkit.ts";
import { COMPONENTS, StormLab } from "./storm-lab.testkit.ts";

const skip = clusterMissing() ?? helmMissing();
/** How long etcd is away. */
const SECONDS = Number(process.env.XEBEC_STORM_SECONDS ?? 8);
const IS_LONG = SECONDS >= 60;
/** All certificates are renewed while the test runs. */
const CERTIFICATE_SECONDS = IS_LONG ? 60 : 30;

const problemOf = ({ status, body, problem }: Answer): string | undefined => {
  if (status !== 200) return problem ?? `status ${status}: ${body.slice(0, 200)}`;
  return body.includes('class="error"') ? "the page misses a part" : undefined;
};

suite("a mesh with two replicas of everything", { skip }, () => {
  let cluster: TestCluster;
  let lab: StormLab;
  let load: OpenLoop;
  let newRoot: string;
  const rows: Record<string, string | number>[] = [];

  before(async () => {
    cluster = await startCluster();
    lab = new StormLab(cluster);
    await lab.install([
      `security.workloadCertTtl=${CERTIFICATE_SECONDS}s`,
      `security.maxWorkloadCertTtl=${CERTIFICATE_SECONDS}s`,
    ]);
    load = new OpenLoop(lab.page, 10, problemOf);
    newRoot = await replaceRoot();
  });
  after(async () => {
    await load?.stop();
    const logs = process.env.XEBEC_STORM_LOGS;
    for (const { name } of logs ? await lab.pods() : [])
      for (const more of [[], ["--previous"]])
        writeFileSync(`${logs}/${name}${more}.log`, await lab.system("logs", name, ...more).catch(String));
    if (process.env.XEBEC_STORM_TABLE) {
      console.table(rows);
      console.log(`${load.sent} requests, the slowest took ${Math.round(load.slowest)} ms`);
    }
    await cluster?.close();
  });

  /**
   * Something bad, while requests go on. Afterwards a new VirtualService comes into effect (the table that is printed says when), and no request has failed.
   * @param bad resolves when what was taken away is there again
   */
  async function storm(name: string, bad: () => Promise<void> | void): Promise<void> {
    load.during = name;
    const [failed, began] = [load.failures.length, performance.now()];
    await bad();
    const healed = performance.now();
    const host = await waitFor("the API server takes a VirtualService", 30_000, () => lab.newHost(), 100);
    await lab.inEffect(host);
    const took = performance.now() - healed;
    await lab.settled();
    const seconds = (from: number, to: number): number => Math.round((to - from) / 100) / 10;
    const failures = load.failures.slice(failed);
    rows.push({
      ...{
        storm: name,
        "healed after s": seconds(began, healed),
        "VirtualService in effect after s": seconds(0, took),
      },
      ...{ "all ready after s": seconds(healed, performance.now()), failed: failures.length },
    });
    assert.deepEqual(failures, []);
  }

  const twins = async (app: string): Promise<string[]> =>
    (await lab.pods()).filter((pod) => pod.app === app).map(({ name }) => name);

  /** Kills pods; it is healed when all are there again. */
  const killed = (pods: Iterable<string>) => async (): Promise<void> => {
    for (const each of pods) lab.kill(each);
    await lab.settled();
  };

  if (IS_LONG)
    for (const component of COMPONENTS)
      test(`both replicas of ${component} are killed, one after the other`, async () => {
        const leads = component === "galley" || component === "citadel" ? await lab.leader(component) : undefined;
        const pods = await twins(component);
        for (const each of pods.sort((a) => (a === leads ? -1 : 1)))
          await storm(`${component}${each === leads ? ", which leads," : ""} is killed`, killed([each]));
      });

  test("one replica of every component is killed at once: the leaders, and then the others", async () => {
    const first = new Set([await lab.leader("galley"), await lab.leader("citadel")]);
    for (const app of ["pilot", "sidecar-injector", "policy", "telemetry"]) first.add((await twins(app))[0] ?? "");
    const others = (await Promise.all(COMPONENTS.map((each) => twins(each)))).flat().filter((each) => !first.has(each));
    await storm("one of everything is killed", killed(first));
    await storm("the others are killed", killed(others));
  });

  test("a server of the bus is killed", async () => {
    for (const each of IS_LONG ? [0, 1, 2] : [0])
      await storm(`server ${each} of the bus is killed`, killed([`xebec-nats-${each}`]));
  });

  test("the API server is killed", async () => {
    await storm("the API server is killed", async () => {
      await killPart("kube-apiserver");
    });
  });

  test("watches have expired: the API server knows nothing before its restart", async () => {
    const galleys = await twins("galley");
    await storm("watches have expired", async () => {
      // Nobody hears of what changes, and the history of it is gone afterwards.
      lab.signal(galleys, "SIGSTOP");
      for (let i = 0; i < 5; i++) await lab.system("annotate", "service", "istio-pilot", "--overwrite", `storm=${i}`);
      await killPart("kube-apiserver");
      lab.signal(galleys, "SIGCONT");
    });
    const logs = await Promise.all(galleys.map((each) => lab.system("logs", each, "--since=2m")));
    assert.match(logs.join("\n"), /not known to the server; listing again/);
  });

  test(`etcd hangs for ${SECONDS} s`, async () => {
    const etcd = cluster.pid("etcd");
    await storm(`etcd hangs for ${SECONDS} s`, async () => {
      process.kill(etcd, "SIGSTOP");
      await sleep(SECONDS * 1_000);
      process.kill(etcd, "SIGCONT");
      await serves();
    });
  });

  test("the root of all certificates was replaced meanwhile", async () => {
    await storm("the last root ends", async () => {
      await waitFor(
        "the new root alone",
        CERTIFICATE_SECONDS * 4_000,
        async () =>
          (await lab.system("get", "cm", "istio-ca-root-cert", "-o", "jsonpath={.data.root-cert\\.pem}")).trim() ===
          newRoot.trim(),
        500,
      );
    });
    // Both webhooks are called: a pod is injected, and its proxy gets a certificate.
    const spec = { containers: [{ name: "main", image: "pause" }] };
    await lab.apply(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "late" }, spec }));
    await cluster.ready(lab.app, ["pod/late"]);
    const path = "jsonpath={.status.containerStatuses[*].name} {.status.initContainerStatuses[*].name}";
    assert.match(await cluster.kubectl(["-n", lab.app, "get", "pod", "late", "-o", path]), /istio-proxy/);
  });

  test("two field managers write one object, and galley its status", async () => {
    const object = (manager: string, i: number): string =>
      JSON.stringify({
        apiVersion: "networking.istio.io/v1",
        kind: "DestinationRule",
        metadata: { name: "contested", labels: { [manager]: String(i) } },
        spec: { host: "reviews", trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 + i } } } },
      });
    const write = (manager: string, i: number): Promise<string> =>
      cluster.kubectl(
        ["-n", lab.app, "apply", "--server-side", `--field-manager=${manager}`, "--force-conflicts", "-f", "-"],
        object(manager, i),
      );
    await storm("conflicting writers", async () => {
      for (let i = 0; i < 10; i++) await Promise.all([write("one", i), write("two", i)]);
      await write("one", 99);
    });
    type Contested = {
      metadata: { generation: number; resourceVersion: string; labels: object };
      spec: object;
      status?: { conditions?: { observedGeneration?: number }[] };
    };
    const read = async (): Promise<Contested> =>
      JSON.parse(await cluster.kubectl(["-n", lab.app, "get", "destinationrule", "contested", "-o", "json"]));
    const { metadata, spec } = await waitFor("its status", 10_000, async () => {
      const found = await read();
      const seen = (found.status?.conditions ?? []).map(({ observedGeneration }) => observedGeneration);
      return seen.length > 0 && seen.every((each) => each === found.metadata.generation) ? found : undefined;
    });
    assert.deepEqual(metadata.labels, { one: "99", two: "9" });
    assert.deepEqual(spec, { host: "reviews", trafficPolicy: { connectionPool: { tcp: { maxConnections: 199 } } } });
    await sleep(1_000);
    assert.equal((await read()).metadata.resourceVersion, metadata.resourceVersion, "nobody writes it any more");
  });

  test("nothing was lost, and nothing has crashed", async () => {
    for (const host of lab.hosts) await lab.inEffect(host, 2_000);
    await load.stop();
    assert.ok(load.sent > 100, `${load.sent} requests`);
    assert.deepEqual([load.failures, await lab.unexplainedRestarts()], [[], []]);
  });

  /** Kills a part of the cluster, which starts again. */
  async function killPart(part: string): Promise<void> {
    const pid = cluster.pid(part);
    process.kill(pid, "SIGKILL");
    await waitFor(`${part} again`, 60_000, () => cluster.pid(part) !== pid, 50);
    await serves();
  }

  async function serves(): Promise<void> {
    await waitFor("the API server", 60_000, () => cluster.kubectl(["get", "--raw", "/readyz"]), 50);
  }

  /** Has citadel take another root: trusted now, signing after half of the life of a certificate. @returns it */
  async function replaceRoot(): Promise<string> {
    const text = await lab.system("get", "secret", "istio-ca-secret", "-o", "jsonpath={.data.xebec-state\\.json}");
    const state = JSON.parse(Buffer.from(text, "base64").toString()) as object;
    const now = Date.now();
    const times = { notBefore: now - 60_000, notAfter: now + 86_400_000 };
    const { certificate, key } = createRoot({ keyType: "P-256", organization: "cluster.local", ...times });
    const next = {
      ...{ certificate, key: privateKeyPem(key), chain: "", root: certificate },
      promoteAt: now + CERTIFICATE_SECONDS * 600,
    };
    const data = { "xebec-state.json": Buffer.from(JSON.stringify({ ...state, next })).toString("base64") };
    await lab.system("patch", "secret", "istio-ca-secret", "--type=merge", "-p", JSON.stringify({ data }));
    return next.root;
  }
});
