import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, startCluster, type TestCluster } from "@xebec/testing-kube";
import { list, pod, workload } from "./objects.ts";

const skip = clusterMissing();

// A cluster of its own: what is killed here is everybody's.
suite("a cluster whose parts are killed", { skip }, () => {
  let cluster: TestCluster;
  let ns: string;
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    cluster.kubectl(["-n", ns, ...args], input);
  const kill = async (part: string): Promise<void> => {
    const pid = cluster.pid(part);
    process.kill(pid, "SIGKILL");
    await waitFor(`${part} again`, 60_000, () => cluster.pid(part) !== pid, 50);
  };

  before(async () => {
    cluster = await startCluster();
    ns = await cluster.namespace("restarts");
    await kubectl(
      ["apply", "-f", "-"],
      list(
        workload("Deployment", "stays", { container: { command: ["sleep", "infinity"] } }),
        pod("done", { container: { command: ["echo", "done"] }, spec: { restartPolicy: "Never" } }),
      ),
    );
    await cluster.ready(ns, ["deployment/stays"]);
    await kubectl(["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/done", "--timeout=30s"]);
  });
  after(() => cluster?.close());

  const started = (): Promise<string> =>
    kubectl([
      "get",
      "pod",
      "-l",
      "app=stays",
      "-o",
      "jsonpath={.items[0].status.containerStatuses[0].containerID} {.items[0].status.containerStatuses[0].state.running.startedAt}",
    ]);

  test("the API server and etcd: containers go on, and new pods run", async () => {
    const before_ = await started();
    await kill("kube-apiserver");
    await kill("etcd");
    await waitFor("the API server", 60_000, () => kubectl(["get", "pods"]), 100);
    await kubectl(["apply", "-f", "-"], list(pod("later", { container: { command: ["sleep", "infinity"] } })));
    await cluster.ready(ns, ["pod/later"]);
    assert.equal(await started(), before_);
  });

  test("the node agent: its containers start again, what has ended stays so", async () => {
    const before_ = await started();
    await kill("node-agent");
    await waitFor("the container again", 60_000, async () => (await started()) !== before_, 100);
    await cluster.ready(ns, ["deployment/stays", "pod/later"]);
    assert.equal(await kubectl(["exec", "later", "--", "hostname"]), "later\n");
    assert.equal(await kubectl(["get", "pod", "done", "-o", "jsonpath={.status.phase}"]), "Succeeded");
  });
});
