// Two galleys as programs, NATS, and a leader that is killed.
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { allCrds } from "@xebec/model-resources";
import { type Bus, createNatsBus } from "@xebec/platform-bus";
import { type KubeClient, openKubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";
import { type Child, freePort, type NatsServer, startChild, startNatsServer } from "@xebec/testing-launch";
import { busContent, create } from "./galley-lab.ts";

const skip = kubeMissing();
const MAIN = resolve(import.meta.dirname, "../../apps/galley/src/main.ts");
const rule = { group: "networking.istio.io", version: "v1", kind: "DestinationRule", plural: "destinationrules" };
let kube: Kube;
let nats: NatsServer;
let client: KubeClient;
let bus: Bus;

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
  client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
  const [crd] = allCrds().filter(({ spec }) => spec.names.kind === rule.kind);
  await create(client, pathOf(RESOURCES.customResourceDefinitions), crd ?? {});
  nats = await startNatsServer();
  bus = createNatsBus({ servers: [`nats://${nats.address}`], name: "test", metrics: createMetrics() });
  await bus.start(new AbortController().signal);
});
after(async () => {
  await bus?.close?.();
  client?.close();
  await nats?.close();
  await kube?.close();
});

async function galley(): Promise<Child & { readonly isReady: () => Promise<boolean> }> {
  const port = await freePort();
  const child = startChild(process.execPath, [
    ...[
      MAIN,
      "server",
      "--configSource=kubernetes",
      `--kubeconfig=${kube.kubeconfig}`,
      `--busURL=nats://${nats.address}`,
    ],
    ...["--enable-validation=false", "--monitoringAddress=127.0.0.1", `--monitoringPort=${port}`],
  ]);
  return Object.assign(child, {
    async isReady() {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
      if (answer.status !== 200) throw new Error(`${await answer.text()}\n${child.output().slice(-2_000)}`);
      return true;
    },
  });
}

const make = (name: string): Promise<void> =>
  create(client, pathOf(rule, { namespace: "default" }), {
    ...{ apiVersion: "networking.istio.io/v1", kind: rule.kind, metadata: { name } },
    spec: { host: "reviews" },
  });
const keyOf = (name: string): string => `networking.istio.io/DestinationRule/default/${name}`;

test("when the leader is killed the other galley publishes within seconds, and nothing is withdrawn", {
  skip,
}, async () => {
  const replicas = await Promise.all([galley(), galley()]);
  await using content = await busContent(bus);
  for (const each of replicas) await waitFor("it is ready", 60_000, each.isReady, 100);
  await make("before");
  await waitFor("the rule", 60_000, () => content.config(keyOf("before")));
  const { spec } = await client.get(RESOURCES.leases, { namespace: "istio-system", name: "istio-galley-leader" });
  const holder = String((spec as { holderIdentity?: string }).holderIdentity);
  const leader = replicas.find(({ pid }) => holder.endsWith(`_${pid}`)) ?? assert.fail(`${holder} is no replica`);
  await leader.stop("SIGKILL");
  await make("after");
  await waitFor("the rule that was made without a leader", 60_000, () => content.config(keyOf("after")));
  assert.deepEqual([content.config(keyOf("before")) !== undefined, content.deleted], [true, []]);
  for (const each of replicas) await each.stop();
});
