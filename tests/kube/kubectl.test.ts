import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, suite, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { findKubeAssets } from "@xebec/platform-cluster/assets";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { list, pod, service, workload } from "./objects.ts";

const skip = clusterMissing();
const ROOT = `${import.meta.dirname}/../..`;

suite("what kubectl does with pods", { skip }, () => {
  let cluster: TestCluster;
  let ns: string;
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    cluster.kubectl(["-n", ns, ...args], input);

  /** Runs kubectl in the background. */
  const start = (...args: readonly string[]) => {
    const { kubectl: program } = findKubeAssets({ root: ROOT, env: process.env }, ["kubectl"]);
    const child = spawn(program, ["--kubeconfig", cluster.kubeconfig, "-n", ns, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let said = "";
    for (const each of [child.stdout, child.stderr]) each.on("data", (bytes: Buffer) => (said += bytes.toString()));
    return { child, said: () => said };
  };

  before(async () => {
    cluster = await useCluster();
    ns = await cluster.namespace("kubectl");
    const say = "echo one; echo two >&2; while :; do echo tick; sleep 0.2; done";
    await kubectl(
      ["apply", "-f", "-"],
      list(
        pod("talks", { container: { command: ["sh", "-c", say] } }),
        workload("Deployment", "web", {
          image: "kong/httpbin",
          replicas: 2,
          container: {
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { path: "/get", port: 80 }, periodSeconds: 1 },
            // The endpoint is withdrawn before the server is.
            lifecycle: { preStop: { sleep: { seconds: 1 } } },
          },
          spec: { terminationGracePeriodSeconds: 5 },
        }),
        service("web", 80, 80),
      ),
    );
    await cluster.ready(ns, ["pod/talks", "deployment/web"]);
  });
  after(() => cluster?.close());

  test("logs: tail, timestamps, follow", async () => {
    // The two streams are read side by side.
    const first = (await kubectl(["logs", "talks"])).split("\n").slice(0, 3);
    assert.deepEqual(first.sort(), ["one", "tick", "two"]);
    assert.match(await kubectl(["logs", "talks", "--tail=1", "--timestamps"]), /^\d{4}-\d\d-\d\dT[\d:.]+Z tick\n$/);
    const follow = start("logs", "-f", "--tail=0", "talks");
    await waitFor("lines that were not there", 60_000, () => follow.said().split("\n").length > 3, 50);
    follow.child.kill();
  });

  test("exec: input, output, errors, exit code", async () => {
    const large = "line of text\n".repeat(50_000);
    assert.equal(await kubectl(["exec", "-i", "talks", "--", "cat"], large), large);
    await assert.rejects(
      kubectl(["exec", "talks", "--", "sh", "-c", "echo wrong >&2; exit 9"]),
      (error: Error & { code?: number; stderr?: string }) => {
        assert.equal(error.code, 9);
        assert.match(error.stderr ?? "", /wrong/);
        return true;
      },
    );
  });

  test("exec on a terminal has one of the client's size, and attach shows what the container says", async () => {
    // `script` is the client's terminal.
    const { kubectl: program } = findKubeAssets({ root: ROOT, env: process.env }, ["kubectl"]);
    const words = `stty rows 33 columns 101; ${program} --kubeconfig ${cluster.kubeconfig} -n ${ns} exec -it talks -- stty size`;
    const terminal = spawn("script", ["-qec", words, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    terminal.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    await waitFor("the end", 60_000, () => terminal.exitCode !== null, 50);
    assert.match(said, /33 101/);
    const attached = start("attach", "talks");
    await waitFor("lines of the container", 60_000, () => attached.said().includes("tick\ntick"), 50);
    attached.child.kill();
  });

  test("port-forward: several connections at a time", async () => {
    const forward = start("port-forward", "service/web", ":80");
    try {
      const port = await waitFor("the local port", 60_000, () => /127\.0\.0\.1:(\d+)/.exec(forward.said())?.[1], 50);
      const statuses = await Promise.all(
        [1, 2, 3].map(async (each) => (await fetch(`http://127.0.0.1:${port}/status/20${each}`)).status),
      );
      assert.deepEqual(statuses, [201, 202, 203]);
    } finally {
      forward.child.kill();
    }
  });

  test("a rolling update fails no request", async () => {
    await kubectl(
      ["apply", "-f", "-"],
      list(pod("client", { image: "curlimages/curl", container: { command: ["sleep", "infinity"] } })),
    );
    await cluster.ready(ns, ["pod/client"]);
    // A connection of its own for each request, as fast as it goes, until the update is through.
    const loop =
      "n=0; while [ ! -f /tmp/done ]; do curl -s -o /dev/null -m 5 -w '%{http_code}\\n' http://web/get || echo failed; done | sort | uniq -c";
    const calls = start("exec", "client", "--", "sh", "-c", loop);
    const before = await kubectl(["get", "pods", "-l", "app=web", "-o", "name"]);
    await kubectl(["set", "env", "deployment/web", "ROUND=2"]);
    await kubectl(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await waitFor(
      "the end of the old pods",
      60_000,
      async () => {
        const now = await kubectl(["get", "pods", "-l", "app=web", "-o", "name"]);
        return before
          .trim()
          .split("\n")
          .every((each) => !now.includes(each));
      },
      100,
    );
    await kubectl(["exec", "client", "--", "touch", "/tmp/done"]);
    await waitFor("the counts", 60_000, () => calls.child.exitCode !== null, 50);
    const counts = calls
      .said()
      .trim()
      .split("\n")
      .map((line) => line.trim().split(" "));
    assert.deepEqual(
      counts.map(([, what]) => what),
      ["200"],
      calls.said(),
    );
    assert.ok(Number(counts[0]?.[0]) > 20, calls.said());
  });
});
