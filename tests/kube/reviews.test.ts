// Whom pilot believes, and to whom it gives Secrets, by what a real API server says; and a Mixer that reads it by itself.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { create as message } from "@bufbuild/protobuf";
import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { configOf } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { standaloneKubernetes } from "@xebec/galley-server";
import { PilotConfig, pilotComponents } from "@xebec/pilot-xds-server";
import { createMemoryBus } from "@xebec/platform-bus";
import { createGrpcClient, createTlsSource } from "@xebec/platform-grpc";
import { clientReviews, type KubeClient, openKubeClient } from "@xebec/platform-kube";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";
import { createTestCa, freePorts, tempDir } from "@xebec/testing-launch";
import { startGateway, startService } from "../behaviour/lab/mcp-mesh.ts";
import { create } from "./galley-lab.ts";

const skip = kubeMissing();
const never = new AbortController().signal;
const CRDS = "deploy/helm/crds/gen/crds.yaml";
const NS = "istio-system";
let kube: Kube;
let client: KubeClient;

before(async () => {
  if (skip !== undefined) return;
  kube = await startKube({ controllers: false });
  client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await create(client, "/api/v1/namespaces", { metadata: { name: NS } });
  await kube.kubectl(["apply", "--server-side", "-f", CRDS]);
});
after(async () => {
  client?.close();
  await kube?.close();
});

const apply = (object: object) => kube.kubectl(["apply", "-f", "-"], JSON.stringify(object));

const account = (name: string) => create(client, `/api/v1/namespaces/${NS}/serviceaccounts`, { metadata: { name } });

async function tokenOf(serviceAccount: string, audience: string): Promise<string> {
  const { status } = await client.call<{ status: { token: string } }>({
    method: "POST",
    path: `/api/v1/namespaces/${NS}/serviceaccounts/${serviceAccount}/token`,
    body: { spec: { audiences: [audience], expirationSeconds: 3_600 } },
  });
  return status.token;
}

test("pilot takes tokens of service accounts, and gives Secrets to gateways that may list them", { skip }, async () => {
  const [xds = 0, http = 0, monitoring = 0, listen = 0] = await freePorts(4);
  const ca = createTestCa();
  const own = ca.issue({ dns: ["istio-pilot.istio-system.svc"] });
  const { cert, key } = ca.issue({ dns: ["shop.example.com"] });
  await account("gateway");
  await create(client, `/api/v1/namespaces/${NS}/secrets`, {
    ...{ type: "kubernetes.io/tls", metadata: { name: "shop" } },
    data: { "tls.crt": Buffer.from(cert).toString("base64"), "tls.key": Buffer.from(key).toString("base64") },
  });
  // The Envoys here have no agent beside them, which would give them certificates for services.
  await apply({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio", namespace: NS } },
    data: { mesh: "enableAutoMtls: false" },
  });
  await apply({
    ...{ apiVersion: "networking.istio.io/v1beta1", kind: "Gateway", metadata: { name: "shop", namespace: NS } },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [
        {
          port: { number: listen, name: "https", protocol: "HTTPS" },
          ...{ hosts: ["shop.example.com"], tls: { mode: "SIMPLE", credentialName: "shop" } },
        },
      ],
    },
  });

  const bus = createMemoryBus();
  const config = configOf(PilotConfig, {
    ...{ grpcAddr: "", secureGrpcAddr: `127.0.0.1:${xds}`, httpAddr: `127.0.0.1:${http}` },
    ...{ monitoringAddr: `127.0.0.1:${monitoring}`, registries: ["Kubernetes"] },
  });
  const pilot = compose("pilot", [
    bus,
    ...standaloneKubernetes({ client, bus, configDir: undefined, domain: "cluster.local", namespace: NS }),
    ...pilotComponents({
      ...{ config, bus, tls: createTlsSource({ ...own, ca: ca.cert }) },
      ...clientReviews(client, "cluster.local"),
    }),
  ]);
  await pilot.start(never);
  const handshake = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: listen, host: "127.0.0.1", servername: "shop.example.com", ca: ca.cert }, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? "");
        socket.destroy();
      });
      socket.on("error", reject);
    });
  const stats = async (envoy: { admin(path: string): Promise<string> }, name: string): Promise<number> =>
    Number(/: (\d+)/.exec(await envoy.admin(`/stats?filter=${name}`))?.[1] ?? 0);
  try {
    {
      // A token for the API server itself is nobody's here.
      const token = await tokenOf("gateway", "https://kubernetes.default.svc");
      await using envoy = await startGateway(xds, { token, serviceAccount: "gateway", roots: ca.cert });
      await waitFor(
        "it is refused",
        60_000,
        async () => (await stats(envoy, "cluster_manager.cds.update_failure")) > 0,
      );
      assert.equal(await stats(envoy, "cluster_manager.cds.update_success"), 0);
    }
    const token = await tokenOf("gateway", "istio-ca");
    await using envoy = await startGateway(xds, { token, serviceAccount: "gateway", roots: ca.cert });
    await waitFor(
      "it is believed",
      60_000,
      async () => (await stats(envoy, "listener_manager.lds.update_success")) > 0,
    );
    await assert.rejects(handshake());
    await kube.kubectl(["-n", NS, "create", "role", "sds", "--verb=get,list,watch", "--resource=secrets"]);
    await kube.kubectl(["-n", NS, "create", "rolebinding", "sds", "--role=sds", `--serviceaccount=${NS}:gateway`]);
    {
      // An answer holds for a minute; another account of the same right is asked about at once.
      await account("second");
      await kube.kubectl(["-n", NS, "create", "rolebinding", "two", "--role=sds", `--serviceaccount=${NS}:second`]);
      await envoy.close();
      const other = await tokenOf("second", "istio-ca");
      await using second = await startGateway(xds, { token: other, serviceAccount: "second", roots: ca.cert });
      await waitFor("the certificate is served", 60_000, async () =>
        (await handshake().catch(() => "")).includes("shop.example.com"),
      );
      assert.ok(!second.exited);
    }
  } finally {
    await pilot.close?.();
  }
});

test("a Mixer reads its rules from the API server, with a role for no more", { skip }, async () => {
  const [address = 0, monitoring = 0] = await freePorts(2);
  const put = (kind: string, spec: object) =>
    apply({ apiVersion: "config.istio.io/v1alpha2", kind, metadata: { name: "deny", namespace: NS }, spec });
  await put("handler", { compiledAdapter: "denier", params: { status: { code: 7, message: "by Kubernetes" } } });
  await put("instance", { compiledTemplate: "checknothing" });
  await put("rule", {
    match: 'request.path == "/denied"',
    actions: [{ handler: "deny", instances: ["deny"] }],
  });
  await account("mixer");
  await apply({
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "mixer" } },
    rules: [
      { apiGroups: ["config.istio.io", "mesh.xebec.io"], resources: ["*"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["services", "pods", "nodes", "namespaces"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["istio"], verbs: ["get", "list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
    ],
  });
  await kube.kubectl(["create", "clusterrolebinding", "mixer", "--clusterrole=mixer", `--serviceaccount=${NS}:mixer`]);
  using folder = tempDir();
  const kubeconfig = folder.file("config");
  const token = await tokenOf("mixer", "https://kubernetes.default.svc");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
      clusters: [{ name: "c", cluster: { server: kube.server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    }),
  );
  await using mixer = startService("mixer-policy", monitoring, [
    ...["--configStoreURL", `k8s://?kubeconfig=${kubeconfig}`, "--address", `127.0.0.1:${address}`, "--secureAddr", ""],
    ...["--monitoringAddress", "127.0.0.1", "--monitoringPort", String(monitoring)],
  ]);
  await mixer.ready();
  const grpc = createGrpcClient({ descriptor: Mixer, address: `127.0.0.1:${address}` });
  const check = async (path: string) => {
    const attributes = message(CompressedAttributesSchema, {
      words: ["request.path", path, "context.protocol", "http"],
      strings: { [-1]: -2, [-3]: -4 },
    });
    return (await grpc.check({ attributes, globalWordCount: 221 })).precondition?.status;
  };
  const denied = await check("/denied");
  assert.deepEqual([denied?.code, denied?.message.includes("by Kubernetes")], [7, true]);
  await client.call({
    ...{ method: "DELETE", path: `/apis/config.istio.io/v1alpha2/namespaces/${NS}/rules/deny` },
  });
  await waitFor("the rule is gone", 60_000, async () => ((await check("/denied"))?.code ?? 0) === 0);
  grpc.close();
});
