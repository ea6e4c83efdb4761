import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { configOf } from "@xebec/core-config";
import { type Component, compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { GalleyConfig, galleyComponents } from "@xebec/galley-server";
import { InjectorConfig, injectorComponents } from "@xebec/injector-server";
import { createMemoryBus } from "@xebec/platform-bus";
import { createTlsSource, type RotatingTls } from "@xebec/platform-grpc";
import { type KubeClient, openKubeClient } from "@xebec/platform-kube";
import type { Kube } from "@xebec/testing-kube";
import { createTestCa, freePorts, type TestCa } from "@xebec/testing-launch";

const never = new AbortController().signal;

/** One replica of a webhook, in this process. */
export interface Replica {
  readonly port: number;
  readonly monitoringPort: number;
  readonly tls: RotatingTls;
  readonly component: Component;
  close(): Promise<void>;
}

/** A certificate for the webhook, of a root. */
export function keyPair(ca: TestCa, roots: readonly TestCa[] = [ca]) {
  return { ...ca.issue({ ips: ["127.0.0.1"] }), ca: roots.map(({ cert }) => cert).join("\n") };
}

async function replica(
  ca: TestCa,
  kube: Kube,
  make: (parts: { port: number; monitoringPort: number; tls: RotatingTls; client: KubeClient }) => Component[],
): Promise<Replica> {
  const [port = 0, monitoringPort = 0] = await freePorts(2);
  const tls = createTlsSource(keyPair(ca));
  const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  const component = compose("replica", make({ port, monitoringPort, tls, client }));
  await component.start(never);
  return {
    ...{ port, monitoringPort, tls, component },
    async close() {
      await component.close?.();
      client.close();
    },
  };
}

/** Starts an injector. @param more its options beside the ports */
export function startInjector(kube: Kube, ca: TestCa, more: Record<string, unknown> = {}): Promise<Replica> {
  return replica(ca, kube, ({ port, monitoringPort, tls, client }) =>
    injectorComponents({
      config: configOf(InjectorConfig, {
        address: "127.0.0.1",
        port,
        monitoringAddress: "127.0.0.1",
        monitoringPort,
        ...more,
      }),
      metrics: createMetrics(),
      ...{ tls, client },
    }),
  );
}

/** Starts a galley. @param url where the API server reaches it; its own port when absent */
export function startGalley(kube: Kube, ca: TestCa, url?: string): Promise<Replica> {
  return replica(ca, kube, ({ port, monitoringPort, tls, client }) => {
    const bus = createMemoryBus();
    return [
      bus,
      ...galleyComponents({
        config: configOf(GalleyConfig, {
          "validation-address": "127.0.0.1",
          "validation-port": port,
          "validation-url": url ?? `https://127.0.0.1:${port}`,
          monitoringAddress: "127.0.0.1",
          monitoringPort,
        }),
        metrics: createMetrics(),
        ...{ bus, tls, webhookClient: client },
      }),
    ];
  });
}

/** A Service of replicas: connections go to one after another. */
export async function balance(ports: () => readonly number[]): Promise<{ readonly port: number; close(): void }> {
  let next = 0;
  const server: Server = createServer((inbound) => {
    const all = ports();
    const outbound = connect(all[next++ % all.length] as number, "127.0.0.1");
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const)
      from.on("error", () => to.destroy()).pipe(to);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

/** The injector's webhook as a chart has it. */
export function mutatingConfiguration(name: string, port: number, labels: Record<string, string> = {}): string {
  return JSON.stringify({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name, labels },
    webhooks: [
      {
        name: "namespace.sidecar-injector.istio.io",
        clientConfig: { url: `https://127.0.0.1:${port}/inject` },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
        namespaceSelector: { matchLabels: { "istio-injection": "enabled" } },
        objectSelector: {
          matchExpressions: [{ key: "sidecar.istio.io/inject", operator: "NotIn", values: ["false"] }],
        },
        failurePolicy: "Fail",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        reinvocationPolicy: "IfNeeded",
      },
    ],
  });
}

export const newCa = createTestCa;
