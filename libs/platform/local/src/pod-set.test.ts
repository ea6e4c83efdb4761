import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { processesWithEnv, RUN_ID_ENV } from "@xebec/platform-process";
import { freePort } from "@xebec/testing-launch";
import type { Deployment } from "./manifest-objects.ts";
import { host } from "./pod-host.testkit.ts";
import { PodSet } from "./pod-set.ts";

const TIMEOUT_MS = 15_000;
const SERVER = `require("node:http").createServer((_, r) => r.end(process.env.VERSION)).listen(Number(process.env.PORT), process.env.BIND_ADDRESS)`;

function deployment(port: number, version: string, replicas: number): Deployment {
  return {
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", labels: {}, annotations: {} },
    replicas,
    template: {
      metadata: { labels: { app: "web", version } },
      spec: {
        containers: [
          {
            name: "web",
            command: [process.execPath, "-e", SERVER],
            env: [
              { name: "VERSION", value: version },
              { name: "PORT", value: String(port) },
            ],
            ports: [{ containerPort: port }],
            readinessProbe: { httpGet: { port } },
          },
        ],
      },
    },
  };
}

test("a changed Deployment gets new pods first; the old one goes when the new one is ready", async (t) => {
  const { host: podHost, step, runId } = await host(t);
  const port = await freePort();
  const set = new PodSet(podHost, () => ({}));
  step(set);
  t.after(() => set.endAll());
  set.reconcile([deployment(port, "v1", 1)]);
  const [old] = set.pods;
  await waitFor("first pod", TIMEOUT_MS, () => old?.ready);
  let without = 0;
  const watching = setInterval(() => {
    if (!set.pods.some((pod) => pod.ready)) without++;
  }, 1);
  t.after(() => clearInterval(watching));
  set.reconcile([deployment(port, "v2", 1)]);
  assert.equal(set.pods.length, 2);
  await waitFor("old pod gone", TIMEOUT_MS, () => !set.pods.includes(old as never) && set.pods.length === 1);
  assert.equal(without, 0);
  const [now] = set.pods;
  const answer = await fetch(`http://${now?.appIp}:${port}/`);
  assert.equal(await answer.text(), "v2");
  assert.notEqual(now?.ip, old?.ip);
  await set.endAll();
  await waitFor("no process left", TIMEOUT_MS, () => processesWithEnv(RUN_ID_ENV, runId).length === 0);
});

test("replicas go up and down; a Deployment that vanishes takes its pods along; host numbers are used again", async (t) => {
  const { host: podHost, step } = await host(t);
  const port = await freePort();
  const set = new PodSet(podHost, () => ({}));
  step(set);
  t.after(() => set.endAll());
  set.reconcile([deployment(port, "v1", 2)]);
  assert.deepEqual(
    set.pods.map((pod) => pod.state.hostNumber),
    [0, 1],
  );
  await waitFor("two pods", TIMEOUT_MS, () => set.pods.every((pod) => pod.ready));
  set.reconcile([deployment(port, "v1", 1)]);
  assert.equal(set.pods.length, 1);
  set.reconcile([]);
  assert.equal(set.pods.length, 0);
  await set.endAll();
  set.reconcile([deployment(port, "v1", 1)]);
  assert.equal(set.pods[0]?.state.hostNumber, 0);
});

test("pods of an earlier supervisor are adopted with their processes", async (t) => {
  const first = await host(t);
  const port = await freePort();
  const before = new PodSet(first.host, () => ({}));
  first.step(before);
  before.reconcile([deployment(port, "v1", 1)]);
  await waitFor("pod", TIMEOUT_MS, () => before.pods[0]?.ready);
  const [pod] = before.pods;
  const [managed] = pod?.processes ?? [];
  assert.ok(pod && managed?.id);
  const pid = managed.id.pid;
  before.releaseAll();
  const after = new PodSet(first.host, () => ({}));
  first.step(after);
  t.after(() => after.endAll());
  after.adopt([pod.current], (name) => (name === managed.spec.name ? managed.record : {}));
  after.reconcile([deployment(port, "v1", 1)]);
  await waitFor("adopted", TIMEOUT_MS, () => after.pods[0]?.processes[0]?.id);
  // Its endpoint must not vanish while a new supervisor takes over.
  assert.ok(after.pods[0]?.ready);
  assert.equal(after.pods[0]?.state.name, pod.state.name);
  assert.equal(after.pods.length, 1);
  assert.equal(after.pods[0]?.processes[0]?.id?.pid, pid);
});

test("a container without program reports why its pod does not run", async (t) => {
  const { host: podHost } = await host(t);
  const set = new PodSet(podHost, () => ({}));
  t.after(() => set.endAll());
  const invalid = deployment(1, "v1", 1);
  set.reconcile([
    { ...invalid, template: { spec: { containers: [{ name: "web", image: "docker.io/library/nginx:1" }] } } },
  ]);
  await waitFor("problem", TIMEOUT_MS, () => (set.pods[0]?.problem ?? "") !== "");
  assert.match(set.pods[0]?.problem ?? "", /image docker.io\/library\/nginx:1 is not one that runs here/);
});
