import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { GuideShell, guideSteps } from "./guide.testkit.ts";
import { chart, helm, helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, SERVICES, WAIT_MS } from "./installed-mesh.testkit.ts";
import { ask, OpenLoop } from "./open-loop.testkit.ts";

const CANARY = "istio-canary";

/** A route of the gateway: whoever serves it takes changes. */
const ROUTE = (body: string): string =>
  JSON.stringify({
    ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "canary" } },
    spec: {
      ...{ hosts: ["canary.test"], gateways: ["bookinfo-gateway"] },
      http: [{ directResponse: { status: 200, body: { string: body } } }],
    },
  });

describe("a second control plane beside the first one, by its guide", {
  skip: clusterMissing() ?? helmMissing(),
}, () => {
  let cluster: TestCluster;
  let first: InstalledMesh;
  let second: InstalledMesh;
  let shell: GuideShell;
  let app: string;
  let load: OpenLoop;

  const follow = async (heading: string): Promise<void> => {
    for (const { command, ...step } of guideSteps("upgrade.md", heading)) {
      load.during = command;
      await shell.run({ ...step, command: command.replaceAll(/(-n|namespace) default\b/g, `$1 ${app}`) });
    }
  };
  const roots = (namespace: string): Promise<string> =>
    cluster.kubectl(["get", "cm", "istio-ca-root-cert", "-n", namespace, "-o", "jsonpath={.data.root-cert\\.pem}"]);
  /** Of the pods that stay. */
  const revisions = async (): Promise<string[]> => {
    const { items } = JSON.parse(await cluster.kubectl(["get", "pods", "-n", app, "-o", "json"])) as {
      items: { metadata: { deletionTimestamp?: string; annotations?: Record<string, string> } }[];
    };
    const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return staying.map(({ metadata }) => metadata.annotations?.["istio.io/rev"] ?? "none");
  };
  /** As every application that is restarted under load: callers learn that it goes before it does. */
  const endsLast = async (name: string): Promise<void> => {
    const lifecycle = { preStop: { exec: { command: ["sleep", "20"] } } };
    const spec = { template: { spec: { containers: [{ name: "productpage", lifecycle }] } } };
    await cluster.kubectl(["patch", "deployment", name, "-n", app, "-p", JSON.stringify({ spec })]);
    await cluster.kubectl(["rollout", "status", "deployment", name, "-n", app, "--timeout=3m"]);
  };
  const serves = async (body: string): Promise<void> => {
    await cluster.kubectl(["apply", "-n", app, "-f", "-"], ROUTE(body));
    await waitFor(body, WAIT_MS, async () => (await ask(await first.url(), "canary.test")).body === body);
  };

  before(async () => {
    cluster = await useCluster();
    [first, second] = [new InstalledMesh(cluster), new InstalledMesh(cluster, CANARY)];
    shell = new GuideShell(cluster);
    await first.install("profile=demo");
    await first.helm("install", "istio-ingressgateway", chart("gateway"));
    await first.ready([...SERVICES, "ingressgateway"]);
    await first.injects();
    app = await first.bookinfo("canary");
    await endsLast("productpage-v1");
    load = new OpenLoop(`${await first.url()}/api/v1/products`, 5, ({ status, problem }) =>
      status === 200 ? undefined : (problem ?? `status ${status}`),
    );
  });
  after(async () => {
    await load?.stop();
    if (!cluster) return;
    for (const each of [second, first]) await each.uninstall();
    for (const each of [app, CANARY])
      await cluster.kubectl(["delete", "namespace", each, "--ignore-not-found", "--wait=false"]);
    await cluster.close();
  });

  it("is refused where it would have a root of its own", async () => {
    const args = ["install", "xebec", chart("control-plane"), "--set", "revision=canary", "--namespace", "elsewhere"];
    await assert.rejects(helm([...args, "--create-namespace"], cluster), /canaryOf=istio-system/);
  });

  it("is installed, and takes the namespaces that are labelled for it, while others stay", async () => {
    await follow("Canary: a second control plane");
    assert.deepEqual(new Set(await revisions()), new Set(["canary"]));
    assert.equal(await roots(CANARY), await roots("istio-system"));
    await serves("served by the first one");
  });

  it("stays alone: the first one is removed, and traffic and certificates go on", async () => {
    const before = await roots(app);
    await follow("Canary: the first one goes");
    await serves("served by the second one");
    load.during = "certificates of the second one alone";
    await cluster.kubectl(["rollout", "restart", "deployment", "-n", app]);
    await cluster.kubectl(["rollout", "status", "deployment", "-n", app, "--timeout=3m"]);
    assert.equal(await roots(app), before);
    // Conditions are now written by the galley that is left.
    await waitFor("a condition", WAIT_MS, async () =>
      (await cluster.kubectl(["get", "virtualservice", "canary", "-n", app, "-o", "jsonpath={.status}"])).includes(
        '"observedGeneration":2',
      ),
    );
    await load.stop();
    assert.ok(load.sent > 50, `${load.sent} requests`);
    assert.deepEqual(load.failures, []);
  });
});
