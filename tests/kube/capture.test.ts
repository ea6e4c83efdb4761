import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { list, pod } from "./objects.ts";

const skip = clusterMissing();
/** Stands for Envoy: says on which of its ports it was called. */
const PROXY =
  'for (const [port, name] of [[15001, "outbound"], [15006, "inbound"]]) require("node:http").createServer((_, response) => response.end(name)).listen(port)';

suite("captured traffic of a pod", { skip }, () => {
  let cluster: TestCluster;
  let ns: string;
  const exec = (name: string, ...command: readonly string[]): Promise<string> =>
    cluster.kubectl(["-n", ns, "exec", name, "--", ...command]);
  const curl = (name: string, url: string): Promise<string> => exec(name, "curl", "-s", "-m", "5", url);

  before(async () => {
    cluster = await useCluster();
    ns = await cluster.namespace("capture");
    const init = (image: string, words: readonly string[]) => ({
      name: "istio-init",
      image,
      args: [
        ...words,
        "-p",
        "15001",
        "-z",
        "15006",
        "-u",
        "1337",
        "-m",
        "REDIRECT",
        "-i",
        "*",
        "-x",
        "",
        "-b",
        "*",
        "-d",
        "15020",
      ],
      securityContext: { runAsUser: 0, capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] } },
    });
    const captured = (name: string, initContainers: readonly object[]): object =>
      pod(name, {
        spec: {
          initContainers,
          containers: [
            {
              name: "main",
              image: "kong/httpbin",
              env: [{ name: "PORT", value: "15020" }],
              securityContext: { runAsUser: 1_000 },
              readinessProbe: { tcpSocket: { port: 15_020 } },
            },
            {
              name: "istio-proxy",
              image: "node",
              command: ["node", "-e", PROXY],
              securityContext: { runAsUser: 1_337, runAsGroup: 1_337 },
              readinessProbe: { tcpSocket: { port: 15_006 } },
            },
          ],
        },
      });
    const check = {
      name: "istio-validation",
      image: "istio/proxyv2",
      args: ["istio-iptables", "--run-validation", "--skip-rule-apply"],
    };
    await cluster.kubectl(
      ["-n", ns, "apply", "-f", "-"],
      list(
        captured("app", [init("istio/proxyv2:1.29.0", ["istio-iptables"]), check]),
        captured("old", [init("istio/proxy_init:1.1.17", [])]),
        pod("other", { image: "curlimages/curl", container: { command: ["sleep", "infinity"] } }),
        pod("bare", {
          container: { command: ["sleep", "infinity"] },
          spec: {
            restartPolicy: "Never",
            initContainers: [{ ...check, args: [...check.args, "--probe-timeout", "1s"] }],
          },
        }),
      ),
    );
    await cluster.ready(ns, ["pod/app", "pod/old", "pod/other"]);
  });
  after(() => cluster?.close());

  for (const name of ["app", "old"])
    test(`the proxy gets what comes in and goes out, but for excluded ports (${name})`, async () => {
      const ip = await cluster.kubectl(["-n", ns, "get", "pod", name, "-o", "jsonpath={.status.podIP}"]);
      assert.equal(await curl("other", `http://${ip}:8080`), "inbound");
      assert.match(await curl("other", `http://${ip}:15020/get`), /"url"/);
      assert.equal(await curl(name, "http://192.0.2.1:7777"), "outbound");
      assert.match(await curl(name, "http://localhost:15020/get"), /"url"/);
    });

  test("a pod whose traffic is not captured ends with 126", async () => {
    const path = "jsonpath={.status.initContainerStatuses[0].state.terminated.exitCode}";
    await cluster.kubectl(["-n", ns, "wait", "--for=jsonpath={.status.phase}=Failed", "pod/bare", "--timeout=30s"]);
    assert.equal(await cluster.kubectl(["-n", ns, "get", "pod", "bare", "-o", path]), "126");
  });
});
