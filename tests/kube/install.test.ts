import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { GuideShell, guideSteps } from "./guide.testkit.ts";
import { helmMissing, installCrds } from "./helm.testkit.ts";
import { InstalledMesh, SERVICES, SYSTEM, WAIT_MS } from "./installed-mesh.testkit.ts";

describe("installation, upgrade and removal, by their guides, on a cluster whose pods run", {
  skip: clusterMissing() ?? helmMissing(),
}, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  let shell: GuideShell;
  let app: string;

  /** The commands of a section as they stand there; Bookinfo is in a namespace of its own. */
  const follow = async (page: string, heading: string): Promise<void> => {
    for (const step of guideSteps(page, heading))
      await shell.run({ ...step, command: step.command.replaceAll("-n default", `-n ${app}`) });
  };

  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster);
    shell = new GuideShell(cluster);
    // Later the guide's own command finds them served: its reader is slower than a test.
    await installCrds(cluster);
    await follow("install.md", "With Helm");
    await mesh.ready([...SERVICES, "ingressgateway"]);
    await cluster.ready(SYSTEM, ["statefulset/xebec-nats"]);
  });
  after(async () => {
    if (!cluster) return;
    await cluster.kubectl(["label", "namespace", "default", "istio-injection-"]);
    await mesh.uninstall();
    await cluster.close();
  });

  it("serves Bookinfo: pods are injected, and requests come through real proxies", async () => {
    await mesh.injects();
    app = await mesh.bookinfo("bookinfo");
    const pods = JSON.parse(await cluster.kubectl(["get", "pods", "-n", app, "-o", "json"])).items as {
      spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
    }[];
    for (const { spec } of pods)
      assert.ok(
        [...spec.containers, ...(spec.initContainers ?? [])].some(({ name }) => name === "istio-proxy"),
        JSON.stringify(spec.containers.map(({ name }) => name)),
      );
  });

  it("is upgraded and rolled back without a failed request", async () => {
    const answers: number[] = [];
    const stop = new AbortController();
    const traffic = (async () => {
      for (; !stop.signal.aborted; await sleep(50)) answers.push(await mesh.page());
    })();
    await follow("upgrade.md", "Step by step");
    const args = ["get", "deployment", "istio-pilot", "-n", SYSTEM, "-o"];
    assert.match(
      await cluster.kubectl([...args, "jsonpath={.spec.template.spec.containers[0].args}"]),
      /log_output_level=default:warn/,
    );
    await follow("upgrade.md", "Back");
    await mesh.ready();
    stop.abort();
    await traffic;
    assert.ok(answers.length > 10, `${answers.length} requests`);
    assert.deepEqual(
      answers.filter((each) => each !== 200),
      [],
    );
  });

  it("gives pods the new proxy when they are made anew", async () => {
    await follow("upgrade.md", "Gateways and proxies");
    await waitFor("the page", WAIT_MS, async () => (await mesh.page()) === 200);
  });

  it("leaves nothing but the definitions", async () => {
    await cluster.kubectl(["delete", "namespace", app]);
    await follow("install.md", "Removing it");
    await mesh.uninstall();
  });
});
