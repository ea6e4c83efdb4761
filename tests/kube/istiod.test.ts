import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { chart, helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, SYSTEM, WAIT_MS } from "./installed-mesh.testkit.ts";
import { list, service, workload } from "./objects.ts";

const strict = { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata: { name: "default" } };
const mixer = (kind: string, name: string, spec: object) => ({
  ...{ apiVersion: "config.istio.io/v1alpha2", kind, metadata: { name }, spec },
});
/** Mutual TLS only, and a user who may not see anything. */
const RULES = list(
  { ...strict, spec: { mtls: { mode: "STRICT" } } },
  mixer("handler", "deny", { compiledAdapter: "denier", params: { status: { code: 7, message: "not today" } } }),
  mixer("instance", "nothing", { compiledTemplate: "checknothing" }),
  mixer("rule", "deny", {
    match: 'destination.labels["app"] == "httpbin" && request.headers["x-user"] == "mallory"',
    actions: [{ handler: "deny", instances: ["nothing"] }],
  }),
);
const APPS = list(
  workload("Deployment", "httpbin", { image: "go-httpbin", container: { ports: [{ containerPort: 8080 }] } }),
  service("httpbin", 8000, 8080),
  workload("Deployment", "client", { image: "curl", container: { command: ["sleep", "1d"] } }),
);

/** What the microservices are compared with must be installed in the same way, and do the same. */
describe("istiod, all services in one pod, by Helm", { skip: clusterMissing() ?? helmMissing() }, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  let app: string;

  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster);
    await mesh.install("profile=istiod", "pilot.options.http10=true");
    await cluster.ready(SYSTEM, ["deployment/istiod"]);
    await mesh.injects();
    app = await cluster.namespace("istiod-app", { "istio-injection": "enabled" });
    await cluster.kubectl(["apply", "-n", app, "-f", "-"], APPS);
    await cluster.ready(app, ["deployment/httpbin", "deployment/client"]);
  });
  after(async () => {
    if (!cluster) return;
    await mesh.uninstall();
    await cluster.close();
  });

  /** The status of a request of the client's. */
  const status = (...args: string[]): Promise<string> =>
    cluster.kubectl([
      ...["exec", "-n", app, "deployment/client", "-c", "main", "--"],
      ...["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", ...args, "http://httpbin:8000/get"],
    ]);
  /** A program of a pod without a proxy. */
  const outside = (...command: string[]): Promise<string> =>
    cluster.kubectl(["exec", "-n", SYSTEM, "deployment/istiod", "--", ...command]);

  it("is one Deployment, and has no bus", async () => {
    const names = await cluster.kubectl(["get", "deployments,statefulsets", "-n", SYSTEM, "-o", "name"]);
    assert.equal(names.trim(), "deployment.apps/istiod");
  });

  it("hands options of one service on to it", async () => {
    const old = ["-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--http1.0", "http://httpbin:8000/get"];
    await waitFor("HTTP/1.0 is taken", WAIT_MS, async () => {
      const said = await cluster.kubectl(["exec", "-n", app, "deployment/client", "-c", "main", "--", "curl", ...old]);
      return said === "200";
    });
  });

  it("refuses a misspelt object through its webhook", async () => {
    const wrong = { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { name: "wrong" } };
    await waitFor("the webhook is registered", WAIT_MS, async () =>
      Boolean(await cluster.kubectl(["get", "validatingwebhookconfiguration", "istio-galley", "--ignore-not-found"])),
    );
    await assert.rejects(
      cluster.kubectl(["apply", "-n", app, "-f", "-"], JSON.stringify({ ...wrong, spec: { hosts: "a" } })),
      /hosts: unknown field; did you mean host\?/,
    );
  });

  it("gives mutual TLS, policy and telemetry as six services do", async () => {
    assert.equal(await status(), "200");
    await cluster.kubectl(["apply", "-n", app, "-f", "-"], RULES);
    await waitFor("the rule", WAIT_MS, async () => (await status("-H", "x-user: mallory")) === "403");
    assert.equal(await status(), "200");
    await assert.rejects(outside("curl", "-s", "-m", "5", `http://httpbin.${app}:8000/get`), "plaintext");
    await waitFor("the requests are counted", WAIT_MS, async () => {
      const metrics = await outside("curl", "-s", `http://istio-telemetry.${SYSTEM}:42422/metrics`);
      const counted = (...labels: string[]): boolean =>
        metrics
          .split("\n")
          .some((line) => line.startsWith("istio_requests_total") && labels.every((each) => line.includes(each)));
      return (
        counted('destination_app="httpbin"', 'response_code="200"', 'connection_security_policy="mutual_tls"') &&
        counted('destination_app="httpbin"', 'response_code="403"')
      );
    });
  });

  it("answers under the names of all services, and passes the chart's own test", async () => {
    await mesh.helm("test", "xebec");
  });

  it("is upgraded without a failed request, and keeps its root", async () => {
    const root = ["get", "configmap", "istio-ca-root-cert", "-n", app, "-o", "jsonpath={.data}"];
    const before = await cluster.kubectl(root);
    await mesh.helm("upgrade", "xebec", chart("control-plane"), "--reuse-values", "--set", "pilot.traceSampling=7");
    await cluster.ready(SYSTEM, ["deployment/istiod"]);
    assert.equal(await status(), "200");
    assert.equal(await cluster.kubectl(root), before);
  });
});
