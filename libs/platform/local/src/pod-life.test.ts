import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { POD_UID_ENV, processesWithEnv } from "@xebec/platform-process";
import { tempDir } from "@xebec/testing-launch";
import type { ContainerSpec, Deployment } from "./manifest-objects.ts";
import { host } from "./pod-host.testkit.ts";
import { PodSet } from "./pod-set.ts";

const TIMEOUT_MS = 15_000;

interface Setting {
  readonly set: PodSet;
  /** What containers have said, line by line. */
  said(): string[];
  file(name: string): string;
}

async function setting(t: TestContext, withdrawn = async (): Promise<void> => undefined): Promise<Setting> {
  const folder = tempDir();
  const { host: podHost, step } = await host(t, { withdrawn });
  const set = new PodSet(podHost, () => ({}));
  step(set);
  t.after(async () => {
    await set.endAll();
    folder.remove();
  });
  const log = folder.file("said");
  return {
    set,
    said: () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : []),
    file: (name) => folder.file(name),
  };
}

/** Says what happens to it; ends with SIGTERM by default. */
function container(name: string, log: string, more: Partial<ContainerSpec> = {}, onTerm = "exit 0"): ContainerSpec {
  const script = `echo ${name} starts >> ${log}; trap "echo ${name} TERM >> ${log}; ${onTerm}" TERM; while :; do sleep 0.02; done`;
  return { name, command: ["/bin/sh", "-c", script], ...more };
}

function deployment(
  containers: readonly ContainerSpec[],
  more: Partial<Deployment> = {},
  graceSeconds = 20,
  version = "v1",
): Deployment {
  return {
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", labels: {}, annotations: {} },
    replicas: 1,
    template: { metadata: { labels: { version } }, spec: { containers, terminationGracePeriodSeconds: graceSeconds } },
    ...more,
  };
}

test("a pod ends in kubelet's order: endpoint and preStop, SIGTERM when no proxy sends any more, the proxy last", async (t) => {
  let asked = false;
  let release = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { set, said, file } = await setting(t, async () => {
    asked = true;
    await gone;
  });
  const log = file("said");
  const preStop = { exec: { command: ["/bin/sh", "-c", `echo app preStop >> ${log}`] } };
  const proxy = container("istio-proxy", log, { readinessProbe: { exec: { command: ["true"] } } });
  set.reconcile([deployment([container("app", log, { lifecycle: { preStop } }), proxy])]);
  await waitFor("ready", TIMEOUT_MS, () => set.pods[0]?.ready && said().length === 2);
  const [pod] = set.pods;
  set.reconcile([]);
  assert.equal(pod?.record?.ready, false, "its endpoint is withdrawn at once");
  await waitFor("preStop", TIMEOUT_MS, () => asked && said().includes("app preStop"));
  assert.ok(!said().includes("app TERM"), "proxies may still send to it");
  release();
  await waitFor("nothing left", TIMEOUT_MS, () => processesWithEnv(POD_UID_ENV, pod?.state.uid ?? "").length === 0);
  assert.deepEqual(said().slice(2), ["app preStop", "app TERM", "istio-proxy TERM"]);
});

test("the grace period is for preStop and the end together; then the container is killed", async (t) => {
  const { set, said, file } = await setting(t);
  const log = file("said");
  const preStop = { sleep: { seconds: 1 } };
  set.reconcile([deployment([container("app", log, { lifecycle: { preStop } }, ":")], {}, 2)]);
  await waitFor("ready", TIMEOUT_MS, () => set.pods[0]?.ready && said().length === 1);
  const uid = set.pods[0]?.state.uid ?? "";
  const since = Date.now();
  set.reconcile([]);
  await waitFor("nothing left", TIMEOUT_MS, () => processesWithEnv(POD_UID_ENV, uid).length === 0);
  assert.deepEqual(said(), ["app starts", "app TERM"]);
  assert.ok(Date.now() - since >= 2_000, "not before the grace period has passed");
});

test("a pod that was ending when its supervisor was killed is ended by the next one", async (t) => {
  const { host: podHost, step } = await host(t, { withdrawn: () => new Promise(() => undefined) });
  const folder = tempDir();
  t.after(() => folder.remove());
  const log = folder.file("said");
  const first = new PodSet(podHost, () => ({}));
  step(first);
  first.reconcile([deployment([container("app", log)])]);
  await waitFor("ready", TIMEOUT_MS, () => first.pods[0]?.ready && existsSync(log));
  first.reconcile([]);
  const [state] = first.states;
  assert.ok(state?.deletedAt, "it is known as long as it has processes");
  first.releaseAll();
  const second = new PodSet({ ...podHost, withdrawn: async () => undefined }, () => ({}));
  step(second);
  t.after(() => second.endAll());
  second.adopt([state], () => ({}));
  await waitFor("nothing left", TIMEOUT_MS, () => second.all.length === 0);
  assert.equal(processesWithEnv(POD_UID_ENV, state.uid).length, 0);
  assert.deepEqual(readFileSync(log, "utf8").split("\n").slice(0, 2), ["app starts", "app TERM"]);
});

test("probes: readiness goes and comes, a startup probe holds the others back, liveness starts the container again", async (t) => {
  const { set, said, file } = await setting(t);
  const log = file("said");
  const has = (name: string): { exec: { command: string[] } } => ({ exec: { command: ["test", "-e", file(name)] } });
  const lacks = { exec: { command: ["test", "!", "-e", file("dead")] } };
  const probes: Partial<ContainerSpec> = {
    startupProbe: { ...has("started"), periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: { ...has("ready"), periodSeconds: 1, failureThreshold: 1 },
    livenessProbe: { ...lacks, periodSeconds: 1, failureThreshold: 1 },
  };
  writeFileSync(file("dead"), "");
  writeFileSync(file("ready"), "");
  set.reconcile([deployment([container("app", log, probes)])]);
  const [pod] = set.pods;
  await waitFor("its process", TIMEOUT_MS, () => said().length === 1);
  assert.ok(!pod?.ready, "it has not started yet");
  const { rmSync } = await import("node:fs");
  rmSync(file("dead"));
  writeFileSync(file("started"), "");
  await waitFor("ready", TIMEOUT_MS, () => pod?.ready);
  assert.deepEqual(said(), ["app starts"], "liveness was not asked before it had started");
  rmSync(file("ready"));
  await waitFor("not ready", TIMEOUT_MS, () => !pod?.ready);
  writeFileSync(file("ready"), "");
  await waitFor("ready again", TIMEOUT_MS, () => pod?.ready);
  writeFileSync(file("dead"), "");
  await waitFor("another process", TIMEOUT_MS, () => said().length >= 3);
  assert.deepEqual(said().slice(0, 3), ["app starts", "app TERM", "app starts"]);
});

test("Recreate has ended the old pod before the new one is made; minReadySeconds delays the end of an old one", async (t) => {
  const { set, file } = await setting(t);
  const log = file("said");
  const of = (version: string, more: Partial<Deployment>): Deployment =>
    deployment([container("app", log)], more, 20, version);
  set.reconcile([of("v1", { strategy: { type: "Recreate" } })]);
  await waitFor("ready", TIMEOUT_MS, () => set.pods[0]?.ready);
  const [old] = set.pods;
  set.reconcile([of("v2", { strategy: { type: "Recreate" } })]);
  assert.deepEqual([set.pods.length, set.all.length], [0, 1]);
  await waitFor("the new one", TIMEOUT_MS, () => set.pods[0]?.ready && !set.all.includes(old as never));
  const [second] = set.pods;
  set.reconcile([of("v3", { minReadySeconds: 1 })]);
  await waitFor("the third", TIMEOUT_MS, () => set.pods[1]?.ready);
  assert.ok(set.pods.includes(second as never), "ready is not available yet");
  await waitFor("the second has gone", TIMEOUT_MS, () => set.pods.length === 1);
  assert.ok((set.pods[0]?.readyForMs ?? 0) >= 1_000);
});
