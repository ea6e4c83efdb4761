import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { chart, helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, SERVICES, WAIT_MS } from "./installed-mesh.testkit.ts";
import { list, service } from "./objects.ts";

/** Not the usual one: nothing may depend on its name. */
const SYSTEM = "mesh-system";
const STRICT = { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata: { name: "default" } };
const mixer = (kind: string, name: string, spec: object) => ({
  ...{ apiVersion: "config.istio.io/v1alpha2", kind, metadata: { name }, spec },
});
/** Mutual TLS only, and a user who may not see the page. */
const OBJECTS = list(
  { ...STRICT, spec: { mtls: { mode: "STRICT" } } },
  mixer("handler", "deny", { compiledAdapter: "denier", params: { status: { code: 7, message: "not today" } } }),
  mixer("instance", "nothing", { compiledTemplate: "checknothing" }),
  mixer("rule", "deny", {
    match: 'destination.labels["app"] == "productpage" && request.headers["x-user"] == "mallory"',
    actions: [{ handler: "deny", instances: ["nothing"] }],
  }),
);

/** Pilot in the place of another cluster's: it has its own Service, and the certificate that its proxies ask for. */
function pilotElsewhere(): string {
  const labels = { app: "elsewhere" };
  const account = "istio-pilot-service-account";
  const container = {
    ...{ name: "pilot", image: "xebec/pilot" },
    args: [
      "--registries=Kubernetes",
      "--stateDir=/tmp/state",
      `--namespace=${SYSTEM}`,
      `--caAddr=istio-citadel.${SYSTEM}.svc:8060`,
      "--caRootFile=/var/run/secrets/istio/root-cert.pem",
      "--caTokenFile=/var/run/secrets/tokens/istio-token",
    ],
    readinessProbe: { httpGet: { path: "/readyz", port: 15014 } },
    volumeMounts: [
      { name: "token", mountPath: "/var/run/secrets/tokens" },
      { name: "root", mountPath: "/var/run/secrets/istio" },
    ],
  };
  const token = { serviceAccountToken: { path: "istio-token", audience: "istio-ca" } };
  const volumes = [
    { name: "token", projected: { sources: [token] } },
    { name: "root", configMap: { name: "istio-ca-root-cert" } },
  ];
  return list(
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account } },
    {
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "elsewhere" } },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: SYSTEM }],
    },
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "elsewhere" } },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { serviceAccountName: account, containers: [container], volumes } },
      },
    },
    service("elsewhere", 15012, 15012),
  );
}

describe("profiles with running pods", { skip: clusterMissing() ?? helmMissing() }, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster, SYSTEM);
  });
  afterEach(async () => mesh?.uninstall());
  after(async () => {
    if (!cluster) return;
    await cluster.kubectl(["delete", "namespace", SYSTEM, "--ignore-not-found", "--wait=false"]);
    await cluster.close();
  });

  /** A program of a pod without a proxy. */
  const outside = (...command: string[]): Promise<string> =>
    cluster.kubectl(["exec", "-n", SYSTEM, "deployment/istio-citadel", "--", ...command]);

  it("default, then ha: mutual TLS, policy, telemetry; upgraded and rolled back without a failed request", async () => {
    await mesh.install("profile=default");
    await mesh.helm("install", "istio-ingressgateway", chart("gateway"), "--set", `istioNamespace=${SYSTEM}`);
    await mesh.ready([...SERVICES, "ingressgateway"]);
    await cluster.ready(SYSTEM, ["statefulset/xebec-nats"]);
    await mesh.injects();
    const app = await mesh.bookinfo("bookinfo-default");
    await cluster.kubectl(["apply", "-n", app, "-f", "-"], OBJECTS);

    await waitFor("the rule", WAIT_MS, async () => (await mesh.page({ "x-user": "mallory" })) === 403);
    assert.equal(await mesh.page(), 200);
    await assert.rejects(outside("curl", "-s", "-m", "5", `http://productpage.${app}:9080/productpage`), "plaintext");
    await waitFor("the requests are counted", WAIT_MS, async () => {
      const metrics = await outside("curl", "-s", `http://istio-telemetry.${SYSTEM}:42422/metrics`);
      const counted = (...labels: string[]): boolean =>
        metrics
          .split("\n")
          .some((line) => line.startsWith("istio_requests_total") && labels.every((each) => line.includes(each)));
      return (
        counted('destination_app="productpage"', 'response_code="200"', 'connection_security_policy="mutual_tls"') &&
        counted('destination_app="productpage"', 'response_code="403"')
      );
    });

    const answers: number[] = [];
    const stop = new AbortController();
    const traffic = (async () => {
      for (; !stop.signal.aborted; await sleep(50)) answers.push(await mesh.page());
    })();
    await mesh.helm("upgrade", "xebec", chart("control-plane"), "--set", "profile=ha");
    await mesh.ready();
    const replicas = ["get", "deployments", "-n", SYSTEM, "-l", "app.kubernetes.io/instance=xebec", "-o"];
    // Those that are scaled by their load get the second one from Kubernetes.
    await waitFor("two of everything", WAIT_MS, async () => {
      const ready = await cluster.kubectl([...replicas, "jsonpath={.items[*].status.readyReplicas}"]);
      return ready === "2 2 2 2 2 2";
    });
    const made = await cluster.kubectl(["get", "hpa,pdb,networkpolicies", "-n", SYSTEM, "-o", "name"]);
    await mesh.helm("rollback", "xebec", "1");
    await mesh.ready();
    stop.abort();
    await traffic;
    for (const each of ["horizontalpodautoscaler.autoscaling/istio-policy", "poddisruptionbudget.policy/istio-galley"])
      assert.ok(made.split("\n").includes(each), made);
    assert.ok(made.includes("networkpolicy.networking.k8s.io/xebec-nats"), made);
    assert.ok(answers.length > 10, `${answers.length} requests`);
    assert.deepEqual(
      answers.filter((each) => each !== 200),
      [],
    );
    await cluster.kubectl(["delete", "namespace", app]);
  });

  it("remote: pods are injected here, and served by a pilot elsewhere", async () => {
    await mesh.install("profile=remote", `global.remotePilotAddress=elsewhere.${SYSTEM}.svc`);
    await cluster.kubectl(["apply", "-n", SYSTEM, "-f", "-"], pilotElsewhere());
    await mesh.ready(["citadel", "sidecar-injector"]);
    await mesh.injects();
    const app = await cluster.namespace("remote", { "istio-injection": "enabled" });
    for (const each of ["sleep/sleep.yaml", "httpbin/httpbin.yaml"]) await mesh.apply(app, each);
    await cluster.ready(SYSTEM, ["deployment/elsewhere"]);
    await cluster.ready(app, ["deployment/sleep", "deployment/httpbin"]);
    const call = ["exec", "-n", app, "deployment/sleep", "-c", "sleep", "--", "curl", "-s", "httpbin:8000/headers"];
    // The server's proxy says who has called, which it knows by mutual TLS.
    await waitFor("an answer", WAIT_MS, async () => (await cluster.kubectl(call)).includes(`/ns/${app}/sa/sleep`));
    await cluster.kubectl(["delete", "namespace", app]);
    await cluster.kubectl(["delete", "-n", SYSTEM, "-f", "-"], pilotElsewhere());
  });
});
