import { readFileSync } from "node:fs";
import { request } from "node:http";
import { resolve } from "node:path";
import { waitFor } from "@xebec/core-async";
import type { TestCluster } from "@xebec/testing-kube";
import { chart, helm, installCrds, ROOT } from "./helm.testkit.ts";

export const SYSTEM = "istio-system";
export const SERVICES = ["pilot", "citadel", "galley", "sidecar-injector", "policy", "telemetry"];
export const WAIT_MS = 120_000;
const OWNED = /istio|xebec|galley/;
const SAMPLES = resolve(ROOT, "deploy/samples");
const BOOKINFO = ["productpage-v1", "details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"];

/** A mesh that is installed with Helm, as a user has it. */
export class InstalledMesh {
  readonly cluster: TestCluster;
  /** Of the control plane and its gateways. */
  readonly namespace: string;

  constructor(cluster: TestCluster, namespace = SYSTEM) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Runs Helm for the namespace of the control plane. */
  helm(...args: readonly string[]): Promise<string> {
    return helm([...args, "--namespace", this.namespace], this.cluster);
  }

  /** Installs the definitions and a control plane. @param values as `--set` takes them */
  async install(...values: readonly string[]): Promise<void> {
    await installCrds(this.cluster);
    await this.helm("install", "xebec", chart("control-plane"), "--create-namespace", "--set", values.join(","));
  }

  /** Waits until Deployments of the control plane are rolled out. */
  ready(names: readonly string[] = SERVICES): Promise<void> {
    return this.cluster.ready(
      this.namespace,
      names.map((each) => `deployment/istio-${each}`),
    );
  }

  /** Waits until pods of a service get a proxy: its webhook is trusted. */
  async injects(): Promise<void> {
    const name = `istio-sidecar-injector${this.namespace === SYSTEM ? "" : `-${this.namespace}`}`;
    const get = ["get", "mutatingwebhookconfiguration", name, "-o"];
    await waitFor("the caBundle of the injector's webhook", WAIT_MS, async () =>
      Boolean(await this.cluster.kubectl([...get, "jsonpath={.webhooks[0].clientConfig.caBundle}"])),
    );
  }

  /** Applies a file of deploy/samples. */
  apply(namespace: string, file: string): Promise<string> {
    return this.cluster.kubectl(["apply", "-n", namespace, "-f", "-"], readFileSync(resolve(SAMPLES, file), "utf8"));
  }

  /** Bookinfo behind the ingress gateway, ready to serve. @returns its namespace */
  async bookinfo(name: string): Promise<string> {
    const app = await this.cluster.namespace(name, { "istio-injection": "enabled" });
    await this.apply(app, "bookinfo/platform/bookinfo.yaml");
    await this.apply(app, "bookinfo/networking/bookinfo-gateway.yaml");
    await this.cluster.ready(
      app,
      BOOKINFO.map((each) => `deployment/${each}`),
    );
    await waitFor("the page", WAIT_MS, async () => (await this.page()) === 200);
    return app;
  }

  /** Where the ingress gateway is reached, `http://HOST:PORT`. */
  async url(): Promise<string> {
    return `http://${this.cluster.nodeIp}:${await this.#port()}`;
  }

  #port(): Promise<string> {
    const service = ["get", "service", "istio-ingressgateway", "-n", this.namespace, "-o"];
    return this.cluster.kubectl([...service, 'jsonpath={.spec.ports[?(@.name=="http2")].nodePort}']);
  }

  /** The status of a page through the gateway; 0 when there is no answer. */
  async page(headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const port = await this.#port();
    const target = { host: this.cluster.nodeIp, port, path: "/productpage", headers };
    return new Promise((done) => {
      const call = request({ ...target, agent: false, timeout: 10_000 }, (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      });
      call.on("timeout", () => call.destroy());
      call.on("error", () => done(0));
      call.end();
    });
  }

  /** Objects of the mesh that are still there, but for the definitions. */
  async left(): Promise<string[]> {
    const kinds = "configmaps,secrets,leases,deployments,statefulsets,services,serviceaccounts,roles,rolebindings,pvc";
    const wide = "mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,clusterrolebindings";
    const get = (...args: string[]): Promise<string> =>
      this.cluster.kubectl(["get", ...args, "-o", "name", "--ignore-not-found"]);
    const names = `${await get(kinds, "-n", this.namespace)}\n${await get(`${wide},configmaps`, "-A")}`.split("\n");
    return names.filter((each) => OWNED.test(each) && !each.includes("helm.release"));
  }

  /** Uninstalls all releases, and waits until nothing but the definitions is left. @throws Error with what is left */
  async uninstall(): Promise<void> {
    const releases = JSON.parse(await this.helm("list", "-o", "json")) as { name: string }[];
    for (const { name } of releases) await this.helm("uninstall", name, "--wait");
    if (this.namespace !== SYSTEM)
      await helm(["uninstall", "xebec-crds", "--ignore-not-found", "--namespace", SYSTEM], this.cluster);
    let left: string[] = [];
    await waitFor("nothing is left", WAIT_MS, async () => {
      left = await this.left();
      return left.length === 0;
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${left.join(", ")}`);
    });
  }
}
