// Apps whose gRPC library is their proxy, injected with the templates for them.
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, WAIT_MS } from "./installed-mesh.testkit.ts";
import { list, service } from "./objects.ts";

/** Pilot, which reads the API server itself, citadel and the injector. */
const VALUES = ["galley.enabled", "mixer.enabled", "nats.enabled", "global.configValidation"];
const PORT = 7070;
const script = (name: string): string => resolve(import.meta.dirname, "../conformance", name);

/** A pod with an account of its name, which gets a template. */
function app(name: string, template: string, ...command: readonly string[]): object[] {
  const annotations = {
    "inject.istio.io/templates": template,
    "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true",
  };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } },
    {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name, labels: { app: name, "security.istio.io/tlsMode": "istio" }, annotations },
      spec: {
        serviceAccountName: name,
        containers: [
          {
            ...{ name: "main", image: "node", command: [process.execPath, ...command] },
            env: [{ name: "GRPC_XDS_EXPERIMENTAL_RBAC", value: "true" }],
          },
        ],
      },
    },
  ];
}

function echo(template: string, target: string): object[] {
  return [
    ...app("echo", template, script("proxyless-node-server.ts"), "v1", `0.0.0.0:${PORT}`),
    ...app("client", template, script("proxyless-node-client.ts"), target),
  ];
}

describe("gRPC without a proxy, injected", { skip: clusterMissing() ?? helmMissing() }, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster);
    await mesh.install(...VALUES.map((each) => `${each}=false`));
    await mesh.ready(["pilot", "citadel", "sidecar-injector"]);
    await mesh.injects();
  });
  after(async () => {
    await mesh?.uninstall();
    await cluster?.close();
  });

  /** Two apps, a server and its client. @returns waits until the client's log says this */
  async function apps(name: string, template: string, more: readonly object[] = []) {
    const namespace = await cluster.namespace(name, { "istio-injection": "enabled" });
    const target = `echo.${namespace}.svc.cluster.local:${PORT}`;
    const ports = [{ name: "grpc", port: PORT, targetPort: PORT }];
    const objects = list(service("echo", PORT, PORT, { ports }), ...more, ...echo(template, target));
    await cluster.kubectl(["apply", "-n", namespace, "-f", "-"], objects);
    const logs = (pod: string, container: string): Promise<string> =>
      cluster.kubectl(["logs", "-n", namespace, pod, "-c", container, "--tail=5"]).catch(String);
    return async (answer: (namespace: string) => string): Promise<void> => {
      await waitFor(answer(namespace), WAIT_MS, async () =>
        (await logs("client", "main")).includes(answer(namespace)),
      ).catch(async (error: Error) => {
        throw new Error(`${error.message}: ${await logs("client", "main")} ${await logs("echo", "main")}`);
      });
    };
  }

  it("grpc-agent: client and server call each other with the certificates of their agents", async () => {
    const says = await apps("grpc-agent", "grpc-agent", [
      {
        ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata: { name: "default" } },
        spec: { mtls: { mode: "STRICT" } },
      },
      {
        ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name: "echo" } },
        spec: { host: "echo", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } },
      },
    ]);
    await says((namespace) => `answered by v1 spiffe://cluster.local/ns/${namespace}/sa/client`);
  });

  it("grpc-simple: they call each other without certificates, and without an agent", async () => {
    const says = await apps("grpc-simple", "grpc-simple", [
      {
        ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata: { name: "default" } },
        spec: { mtls: { mode: "DISABLE" } },
      },
    ]);
    await says(() => "answered by v1 plaintext");
  });
});
