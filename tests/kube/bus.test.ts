import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
  type AuthoritySource,
  CitadelConfig,
  createAuthority,
  createBusCertificate,
  ensureBusSecrets,
} from "@xebec/citadel-server";
import { sleep, waitFor } from "@xebec/core-async";
import { configOf } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { readManifest } from "@xebec/core-yaml";
import { BUS_USERS, type BusUser } from "@xebec/model-bus";
import { type Bus, createNatsBus, reloadServers } from "@xebec/platform-bus";
import { type KubeClient, openKubeClient } from "@xebec/platform-kube";
import { type Kube, startKube } from "@xebec/testing-kube";
import { type Child, findTool, freePorts, startChild, tempDir } from "@xebec/testing-launch";
import { chart, helm, helmMissing } from "./helm.testkit.ts";

const skip = helmMissing();
const NAMESPACE = "istio-system";
const NEVER = new AbortController().signal;
const SERVERS = [0, 1, 2];
let kube: Kube;
let client: KubeClient;
const folder = tempDir();

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false });
  await kube.kubectl(["create", "namespace", NAMESPACE]);
  client = await openKubeClient({ kubeconfig: kube.kubeconfig });
});
after(async () => {
  client?.close();
  await kube?.close();
  folder.remove();
});

const ensure = () =>
  ensureBusSecrets({ client, namespace: NAMESPACE, owner: "istio-citadel", servers: SERVERS.length, signal: NEVER });
const secret = async (name: string, key: string): Promise<string> => {
  const { data } = JSON.parse(await kube.kubectl(["-n", NAMESPACE, "get", "secret", name, "-o", "json"]));
  return Buffer.from(data[key], "base64").toString();
};

describe("the keys of the bus", { skip }, () => {
  it("are made once: replicas of citadel that start together agree, and a later one finds them", async () => {
    const [first, ...others] = await Promise.all([ensure(), ensure(), ensure()]);
    for (const each of [...others, await ensure()]) assert.deepEqual(each, first);
    const config = await kube.kubectl(["-n", NAMESPACE, "get", "cm", "xebec-bus-keys", "-o", "json"]);
    assert.deepEqual(JSON.parse(JSON.parse(config).data["public-keys.json"]), first.publicKeys);
    assert.equal((await secret("xebec-bus-citadel", "seed")).trim(), first.seed);
  });

  it("are all mounted by the chart: each service its own, and the servers who may do what", async () => {
    const text = await helm(["template", "xebec", chart("control-plane"), "--namespace", NAMESPACE]);
    const mounted = new Set([...text.matchAll(/secretName: (xebec-bus-\S+)/g)].map(([, name]) => name));
    // Adapters from outside are not the chart's.
    const users = BUS_USERS.filter((user) => !["supervisor", "citadel", "adapter"].includes(user));
    assert.deepEqual([...mounted].sort(), [...users, "server", "tls"].map((each) => `xebec-bus-${each}`).sort());
    mounted.delete("xebec-bus-tls"); // is made when citadel may sign
    for (const name of mounted) await kube.kubectl(["-n", NAMESPACE, "get", "secret", name ?? ""]);
    const role = await helm(["template", "x", chart("control-plane"), "-n", NAMESPACE, "-s", "templates/citadel.yaml"]);
    for (const user of BUS_USERS) assert.match(role, new RegExp(`- xebec-bus-${user}\\n`), "citadel may change it");
  });

  it("restart the servers when somebody may do something new", async () => {
    const statefulSet = {
      ...{ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "xebec-nats", namespace: NAMESPACE } },
      spec: {
        selector: { matchLabels: { a: "b" } },
        template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "a" }] } },
      },
    };
    await kube.kubectl(["create", "-f", "-"], JSON.stringify(statefulSet));
    const annotation = () =>
      kube.kubectl([
        "-n",
        NAMESPACE,
        "get",
        "sts",
        "xebec-nats",
        "-o",
        "jsonpath={.spec.template.metadata.annotations}",
      ]);
    await ensure();
    assert.equal(await annotation(), "", "nothing has changed");
    const older = JSON.stringify({ data: { "authorization.conf": "YQ==" } });
    await kube.kubectl(["-n", NAMESPACE, "patch", "secret", "xebec-bus-server", "--type=merge", "-p", older]);
    await ensure();
    assert.match(await annotation(), /xebec\.io\/authorization/);
  });
});

describe("the bus of the chart: three servers", { skip }, () => {
  const servers: Child[] = [];
  const buses: Bus[] = [];
  let ports: number[] = [];
  /** What citadel runs. */
  const parts: Component[] = [];
  let source: AuthoritySource;
  after(async () => {
    for (const each of [...buses, ...parts.reverse()]) await each.close?.();
    for (const server of servers) await server.stop("SIGKILL");
  });

  /** The configuration of the chart, with addresses of this machine. */
  function fileOf(text: string, i: number): string {
    const dir = folder.file(`store-${i}`);
    const at = (kind: number): number => ports[kind * SERVERS.length + i] as number;
    return text
      .replace("0.0.0.0:4222", `127.0.0.1:${at(0)}`)
      .replace("0.0.0.0:6222", `127.0.0.1:${at(1)}`)
      .replace("0.0.0.0:8222", `127.0.0.1:${at(2)}`)
      .replaceAll("/etc/nats-tls/", folder.file("nats-tls/"))
      .replace("store_dir: /data", `store_dir: "${dir}"`);
  }

  const start = (i: number): void => {
    servers[i] = startChild(findTool("nats-server"), ["--config", folder.file(`nats/${i}.conf`)], {
      env: { ...process.env, POD_NAME: `xebec-nats-${i}` },
    });
  };
  const isReady = async (i: number): Promise<boolean> =>
    fetch(`http://127.0.0.1:${ports[2 * SERVERS.length + i]}/healthz?js-server-only=true`).then(
      ({ ok }) => ok,
      () => false,
    );

  /** Puts the certificate where a pod has it, as the kubelet does. */
  async function mount(): Promise<void> {
    for (const key of ["tls.crt", "tls.key", "ca.crt"])
      writeFileSync(folder.file(`nats-tls/${key}`), await secret("xebec-bus-tls", key));
  }

  const urls = (): string[] => SERVERS.map((i) => `nats://localhost:${ports[i]}`);
  const tls = { ca: () => source.authority().roots };
  const control = async () => ({ servers: urls(), seed: (await ensure()).controlSeed, tls });

  async function startCitadel(): Promise<void> {
    const flags = { kubernetes: "true", "citadel-storage-namespace": NAMESPACE } as const;
    source = createAuthority(configOf(CitadelConfig, flags), client);
    const options = { client, namespace: NAMESPACE, owner: "istio-citadel", servers: SERVERS.length, source };
    parts.push(source, createBusCertificate({ ...options, control: await control() }));
    for (const each of parts) await each.start?.(NEVER);
    await waitFor("the certificate of the servers", 60_000, () => secret("xebec-bus-tls", "tls.crt"));
  }

  async function busOf(user: BusUser): Promise<Bus> {
    const { publicKeys } = await ensure();
    const seed = (await secret(`xebec-bus-${user}`, "seed")).trim();
    const provision = user === "citadel" ? { provision: true, replicas: SERVERS.length } : { provision: false };
    const bus = createNatsBus({
      servers: urls(),
      name: user,
      seed,
      tls,
      publicKeys,
      metrics: createMetrics(),
      ...provision,
    });
    buses.push(bus);
    await bus.start(NEVER);
    return bus;
  }

  it("takes its configuration and the Secrets, carries changes, and goes on while one of them is killed", async () => {
    await ensure();
    ports = await freePorts(3 * SERVERS.length);
    const text = await helm(["template", "x", chart("control-plane"), "-n", NAMESPACE, "-s", "templates/nats.yaml"]);
    const { objects } = readManifest(text);
    const map = objects.find(({ value }) => value.kind === "ConfigMap")?.value as { data: Record<string, string> };
    // As they are mounted in a pod.
    for (const each of ["nats", "nats-auth", "nats-tls"]) mkdirSync(folder.file(each));
    await startCitadel();
    await mount();
    writeFileSync(folder.file("nats-auth/authorization.conf"), await secret("xebec-bus-server", "authorization.conf"));
    const cluster = await secret("xebec-bus-server", "cluster.conf");
    const host = /xebec-nats-(\d)\.xebec-nats-headless\.istio-system\.svc:6222/g;
    writeFileSync(
      folder.file("nats-auth/cluster.conf"),
      cluster.replace(host, (_, n: string) => `localhost:${ports[SERVERS.length + Number(n)]}`),
    );
    for (const i of SERVERS) {
      writeFileSync(folder.file(`nats/${i}.conf`), fileOf(map.data["nats.conf"] ?? "", i));
      start(i);
    }
    await waitFor("three servers", 40_000, async () => (await Promise.all(SERVERS.map(isReady))).every(Boolean)).catch(
      (error: Error) => assert.fail(`${error.message}\n${servers.map((each) => each.output().slice(-800)).join("\n")}`),
    );

    await busOf("citadel");
    const galley = (await busOf("galley")).bucket("config");
    const seen = new Map<string, string>();
    (await busOf("pilot")).bucket("config").watch({
      entry: (key, value) => void seen.set(key, Buffer.from(value ?? []).toString()),
      synced() {},
    });
    const put = async (value: string): Promise<void> => {
      await galley.put("key", Buffer.from(value));
      await waitFor(`${value} at the reader`, 40_000, () => seen.get("key") === value);
    };
    await put("first");
    // An election may take some seconds; one of the two led.
    for (const i of [0, 1]) {
      await servers[i]?.stop("SIGKILL");
      await put(`without ${i}`);
      start(i);
      await waitFor(`server ${i} again`, 40_000, () => isReady(i));
      await put(`with ${i} again`);
    }
  });

  it("take citadel's new certificate while messages go on, without losing one or a connection", async () => {
    const before_ = await secret("xebec-bus-tls", "tls.crt");
    const down: string[] = [];
    const watching = setInterval(() => {
      for (const { name, connected } of buses) if (!connected) down.push(name);
    }, 10);
    const galley = buses.find(({ name }) => name === "bus galley")?.bucket("config") ?? assert.fail();
    const seen: string[] = [];
    (await busOf("mixer-policy")).bucket("config").watch({
      entry: (key, value) => void (key === "count" && seen.push(Buffer.from(value ?? []).toString())),
      synced() {},
    });
    let sent = 0;
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) await galley.put("count", Buffer.from(String(++sent)));
    })();
    await waitFor("the first messages", 60_000, () => seen.length > 5);
    down.length = 0;
    await source.rotateNow();
    const next = await waitFor("another certificate", 60_000, async () => {
      const found = await secret("xebec-bus-tls", "tls.crt");
      return found === before_ ? undefined : found;
    });
    await sleep(300); // the kubelet is late
    await mount();
    const ends = Date.parse(new X509Certificate(next).validTo);
    const asked = await control();
    await waitFor("all servers show it", 60_000, async () => (await reloadServers(asked, ends)).length === 0);
    stop.abort();
    await writing;
    await waitFor("the last message", 60_000, () => seen.at(-1) === String(sent));
    clearInterval(watching);
    const first = Number(seen[0]);
    assert.deepEqual(
      seen,
      Array.from({ length: sent - first + 1 }, (_, i) => String(first + i)),
    );
    assert.deepEqual(down, []);
  });
});
