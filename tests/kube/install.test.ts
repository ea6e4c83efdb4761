import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { sleep } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { chart, helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, SERVICES, SYSTEM } from "./installed-mesh.testkit.ts";

describe("helm install on a cluster whose pods run", { skip: clusterMissing() ?? helmMissing() }, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  let app: string;

  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster);
    await mesh.install("profile=demo");
    await mesh.helm("install", "istio-ingressgateway", chart("gateway"), "--set", "autoscaleEnabled=false");
    await mesh.ready([...SERVICES, "ingressgateway"]);
    await cluster.ready(SYSTEM, ["statefulset/xebec-nats"]);
  });
  after(async () => {
    if (!cluster) return;
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
    const values = "profile=demo,global.logging.level=default:warn";
    await mesh.helm("upgrade", "xebec", chart("control-plane"), "--set", values);
    await mesh.ready();
    const args = ["get", "deployment", "istio-pilot", "-n", SYSTEM, "-o"];
    assert.match(
      await cluster.kubectl([...args, "jsonpath={.spec.template.spec.containers[0].args}"]),
      /log_output_level=default:warn/,
    );
    await mesh.helm("rollback", "xebec", "1");
    await mesh.ready();
    stop.abort();
    await traffic;
    assert.ok(answers.length > 10, `${answers.length} requests`);
    assert.deepEqual(
      answers.filter((each) => each !== 200),
      [],
    );
  });

  it("passes its own test, and leaves nothing but the definitions", async () => {
    await mesh.helm("test", "xebec");
    await cluster.kubectl(["delete", "namespace", app]);
    await mesh.uninstall();
    assert.match(await cluster.kubectl(["get", "crd", "-o", "name"]), /virtualservices\.networking\.istio\.io/);
  });
});
