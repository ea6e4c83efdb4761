import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { chart, helm, helmMissing, ROOT } from "./helm.testkit.ts";

const skip = clusterMissing() ?? helmMissing();
const NAMESPACE = ["--namespace", "istio-system"];
const SERVICES = ["pilot", "citadel", "galley", "sidecar-injector", "policy", "telemetry"];
const SAMPLE = resolve(ROOT, "deploy/samples/bookinfo");
const WAIT_MS = 120_000;

describe("helm install on a cluster whose pods run", { skip }, () => {
  let cluster: TestCluster;
  let app: string;
  const run = (...args: string[]): Promise<string> => helm([...args, ...NAMESPACE], cluster);
  const apply = (file: string): Promise<string> =>
    cluster.kubectl(["apply", "-n", app, "-f", "-"], readFileSync(resolve(SAMPLE, file), "utf8"));

  before(async () => {
    cluster = await useCluster();
    await run("install", "xebec-crds", chart("crds"), "--wait", "--create-namespace");
    await run("install", "xebec", chart("control-plane"), "--set", "profile=demo");
    await run("install", "istio-ingressgateway", chart("gateway"), "--set", "autoscaleEnabled=false");
    await cluster.ready("istio-system", [
      ...SERVICES.map((each) => `deployment/istio-${each}`),
      "statefulset/xebec-nats",
    ]);
    await cluster.ready("istio-system", ["deployment/istio-ingressgateway"]);
  });
  after(async () => {
    if (!cluster) return;
    const installed = JSON.parse(await run("list", "-o", "json")) as { name: string }[];
    for (const { name } of installed) await run("uninstall", name);
    await cluster.close();
  });

  /** The status of a page through the gateway. */
  async function page(): Promise<number> {
    const service = ["get", "service", "istio-ingressgateway", ...NAMESPACE, "-o"];
    const port = await cluster.kubectl([...service, 'jsonpath={.spec.ports[?(@.name=="http2")].nodePort}']);
    return new Promise((resolve) => {
      const call = request(
        { host: cluster.nodeIp, port, path: "/productpage", agent: false, timeout: 10_000 },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      call.on("timeout", () => call.destroy());
      call.on("error", () => resolve(0));
      call.end();
    });
  }

  it("serves Bookinfo: pods are injected, and requests come through real proxies", async () => {
    const bundle = ["get", "mutatingwebhookconfiguration", "istio-sidecar-injector", "-o"];
    await waitFor("the caBundle of the injector's webhook", WAIT_MS, async () =>
      Boolean(await cluster.kubectl([...bundle, "jsonpath={.webhooks[0].clientConfig.caBundle}"])),
    );
    app = await cluster.namespace("bookinfo", { "istio-injection": "enabled" });
    await apply("platform/bookinfo.yaml");
    await apply("networking/bookinfo-gateway.yaml");
    await cluster.ready(
      app,
      ["productpage-v1", "details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"].map(
        (each) => `deployment/${each}`,
      ),
    );
    await waitFor("the page", WAIT_MS, async () => (await page()) === 200);
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
      while (!stop.signal.aborted) {
        answers.push(await page());
        await sleep(50);
      }
    })();
    const rolledOut = () =>
      cluster.ready(
        "istio-system",
        SERVICES.map((each) => `deployment/istio-${each}`),
      );
    await run("upgrade", "xebec", chart("control-plane"), "--set", "profile=demo,global.logging.level=default:warn");
    await rolledOut();
    const args = [
      "get",
      "deployment",
      "istio-pilot",
      ...NAMESPACE,
      "-o",
      "jsonpath={.spec.template.spec.containers[0].args}",
    ];
    assert.match(await cluster.kubectl(args), /log_output_level=default:warn/);
    await run("rollback", "xebec", "1");
    await rolledOut();
    stop.abort();
    await traffic;
    assert.ok(answers.length > 10, `${answers.length} requests`);
    assert.deepEqual(
      answers.filter((each) => each !== 200),
      [],
    );
  });

  it("passes its own test, and leaves nothing but the definitions", async () => {
    await run("test", "xebec");
    await cluster.kubectl(["delete", "namespace", app]);
    await run("uninstall", "istio-ingressgateway", "--wait");
    await run("uninstall", "xebec", "--wait");
    let left = "";
    await waitFor("everything is gone", WAIT_MS, async () => {
      const kinds =
        "configmaps,secrets,leases,deployments,statefulsets,services,serviceaccounts,roles,rolebindings,pvc";
      const names = await cluster.kubectl(["get", kinds, ...NAMESPACE, "-o", "name", "--ignore-not-found"]);
      const webhooks = "mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,clusterrolebindings";
      const wide = await cluster.kubectl(["get", `${webhooks},configmaps`, "-A", "-o", "name", "--ignore-not-found"]);
      const own = `${names}\n${wide}`.split("\n").filter((each) => each !== "");
      left = own.filter((each) => /istio|xebec|galley/.test(each) && !each.includes("helm.release")).join(", ");
      return left === "";
    }).catch((error: Error) => assert.fail(`${error.message}: ${left}`));
    assert.match(await cluster.kubectl(["get", "crd", "-o", "name"]), /virtualservices\.networking\.istio\.io/);
  });
});
