// The command line looks at a cluster: what is wrong with its objects, and why a pod has no proxy.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { type KubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing } from "@xebec/testing-kube";
import { create, installCrds, startGalleyKube } from "./galley-lab.ts";
import { mutatingConfiguration } from "./webhook-lab.ts";

const skip = kubeMissing();
const MAIN = resolve(import.meta.dirname, "../../apps/xebec/src/main.ts");
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip !== undefined) return;
  ({ kube, client } = await startGalleyKube());
  await installCrds(client);
  await create(client, "/api/v1/namespaces", { metadata: { name: "shop", labels: { "istio-injection": "enabled" } } });
  await create(client, "/api/v1/namespaces", { metadata: { name: "quiet" } });
  for (const [namespace, name, labels] of [
    ["shop", "bare", {}],
    ["shop", "left-out", { "sidecar.istio.io/inject": "false" }],
    ["quiet", "bare", {}],
  ] as const)
    await create(client, `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name, labels },
      spec: { containers: [{ name: "main", image: "x" }] },
    });
  await create(client, "/apis/networking.istio.io/v1/namespaces/shop/virtualservices", {
    ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "web" } },
    spec: { hosts: ["web.test"], gateways: ["nobody"], http: [{ directResponse: { status: 200 } }] },
  });
  const configMaps = "/api/v1/namespaces/istio-system/configmaps";
  await create(client, configMaps, { metadata: { name: "istio" }, data: { mesh: "{}" } });
  const data = { config: "{}", values: "{}" };
  await create(client, configMaps, { metadata: { name: "istio-sidecar-injector" }, data });
  // Afterwards: nobody answers there.
  const webhook = JSON.parse(mutatingConfiguration("istio-sidecar-injector", 1));
  await create(client, pathOf(RESOURCES.mutatingWebhooks), webhook);
});
after(async () => {
  client?.close();
  await kube?.close();
});

function xebec(...args: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, ...args, "--kubeconfig", kube.kubeconfig], (error, stdout, stderr) => {
      done({ code: error ? Number(error.code) : 0, out: error ? stdout + stderr : stdout });
    });
  });
}

test("analyze names what is wrong in a cluster, pods without their proxy among it", { skip }, async () => {
  const { code, out } = await xebec("analyze", "-n", "shop", "-o", "json");
  assert.equal(code, 79, out);
  const found = (JSON.parse(out) as { code: string; origin: string }[]).map((each) => `${each.code} ${each.origin}`);
  assert.ok(found.includes("IST0103 Pod bare.shop"), out);
  assert.ok(found.includes("IST0101 VirtualService web.shop"), out);
  assert.ok(!found.some((each) => each.includes("left-out") && each.startsWith("IST0103")), out);
  const log = await xebec("analyze", "-A", "--failure-threshold", "Error");
  assert.match(log.out, /\[IST0103\] \(Pod bare\.shop\) the pod has no proxy/);
  assert.doesNotMatch(log.out, /\[IST0103\] \(Pod bare\.quiet\)/);
});

test("check names pods without their proxy, a webhook that nobody trusts, and what is not installed", {
  skip,
}, async () => {
  const { code, out } = await xebec("check", "-o", "json");
  assert.equal(code, 1, out);
  const checks = JSON.parse(out) as { id: string; ok: boolean; severity: string; hint: string }[];
  const of = (id: string) => checks.find((each) => each.id === id);
  assert.match(of("pods/proxy")?.hint ?? "", /^Pod bare\.shop: the pod has no proxy.*; see "xebec analyze -A"$/);
  assert.equal(of("pods/proxy")?.severity, "warning");
  assert.match(of("webhook/istio-sidecar-injector")?.hint ?? "", /has no caBundle/);
  assert.match(of("control-plane")?.hint ?? "", /nothing is installed in istio-system/);
  assert.match(of("objects/valid")?.hint ?? "", /VirtualService web\.shop/);
  assert.match((await xebec("check")).out, /warning +pods\/proxy/);
});

test("experimental check-inject says which webhooks take a pod, and why not", { skip }, async () => {
  const of = async (...args: string[]): Promise<string> => (await xebec("experimental", "check-inject", ...args)).out;
  assert.match(await of("bare.shop"), /istio-sidecar-injector +default +✔/);
  assert.match(await of("pod/left-out", "-n", "shop"), /✘ +the labels of the pod do not fit its objectSelector/);
  assert.match(await of("bare.quiet"), /✘ +the labels of the namespace do not fit its namespaceSelector/);
  assert.match(await of("-l", "app=web", "-n", "shop"), /✔/);
});
