// Measures what galley holds of a cluster: node --expose-gc tests/kube/scale.ts [SERVICES] [PODS] [RULES]. Prints a table.

import { allCrds } from "@xebec/model-resources";
import { createMemoryBus } from "@xebec/platform-bus";
import { openKubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { startKube } from "@xebec/testing-kube";
import { busContent, create, galleyReplica } from "./galley-lab.ts";

const [services = 0, pods = 0, rules = 0] = [1_000, 10_000, 10_000].map((count, i) =>
  Number(process.argv[i + 2] ?? count),
);
const rule = { group: "networking.istio.io", version: "v1", kind: "DestinationRule", plural: "destinationrules" };
const kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
const client = await openKubeClient({ kubeconfig: kube.kubeconfig });

async function many(count: number, make: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < count) await make(next++);
    }),
  );
}

await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
for (const crd of allCrds()) await create(client, pathOf(RESOURCES.customResourceDefinitions), crd);
const began = performance.now();
await many(services, (i) =>
  create(client, "/api/v1/namespaces/default/services", {
    metadata: { name: `s${i}` },
    spec: { clusterIP: "None", selector: { app: `s${i}` }, ports: [{ name: "http", port: 80 }] },
  }),
);
await many(pods, async (i) => {
  const name = `p${i}`;
  await create(client, "/api/v1/namespaces/default/pods", {
    metadata: { name, labels: { app: `s${i % services}`, version: "v1" } },
    spec: { containers: [{ name: "c", image: "x", ports: [{ containerPort: 80 }] }] },
  });
  const podIP = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions: [{ type: "Ready", status: "True" }] };
  await client.patch(RESOURCES.pods, { namespace: "default", name, subresource: "status" }, { status });
});
await many(services, (i) =>
  create(client, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name: `s${i}-x`, labels: { "kubernetes.io/service-name": `s${i}` } },
    ...{ addressType: "IPv4", ports: [{ name: "http", port: 80 }] },
    endpoints: Array.from({ length: Math.floor(pods / services) }, (_, k) => {
      const pod = i + k * services;
      return {
        addresses: [`10.${(pod >> 16) & 255}.${(pod >> 8) & 255}.${pod & 255}`],
        conditions: { ready: true },
        targetRef: { kind: "Pod", namespace: "default", name: `p${pod}` },
      };
    }),
  }),
);
await many(rules, (i) =>
  create(client, pathOf(rule, { namespace: "default" }), {
    ...{ apiVersion: "networking.istio.io/v1", kind: rule.kind, metadata: { name: `r${i}` } },
    spec: { host: `s${i % services}`, subsets: [{ name: "v1", labels: { version: "v1" } }] },
  }),
);
console.log(`made in ${Math.round((performance.now() - began) / 1_000)} s`);
client.close();
const heap = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};
const before = heap();
const cpu = process.cpuUsage();
const start = performance.now();
const bus = createMemoryBus();
await bus.start(new AbortController().signal);
let peak = 0;
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss / 1e6);
}, 50);
const galley = await galleyReplica(kube.kubeconfig, bus);
const content = await busContent(bus);
await content.synced();
while (content.size(0) < rules || content.size(1) < pods + 2 * services)
  await new Promise((resolve) => setTimeout(resolve, 20));
clearInterval(timer);
const used = process.cpuUsage(cpu);
console.table({
  services,
  pods,
  rules,
  "seconds to everything on the bus": Math.round(performance.now() - start) / 1_000,
  "seconds of CPU": Math.round((used.user + used.system) / 1e4) / 100,
  "MB of heap, bus and reader included": Math.round(heap() - before),
  "MB resident, at the most": Math.round(peak),
});
await galley[Symbol.asyncDispose]();
await content[Symbol.asyncDispose]();
await kube.close();
process.exit();
