import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { waitFor } from "@xebec/core-async";
import { readYaml, writeYaml } from "@xebec/core-yaml";
import { allCrds } from "@xebec/model-resources";
import { httpCall } from "@xebec/platform-http/call";
import { openKubeClient } from "@xebec/platform-kube";
import { type Kube, kubeMissing, startKube } from "@xebec/testing-kube";
import jsonPatch, { type Operation } from "fast-json-patch";
import {
  balance,
  keyPair,
  mutatingConfiguration,
  newCa,
  type Replica,
  startGalley,
  startInjector,
} from "./webhook-lab.ts";

const skip = kubeMissing();
const LIMIT_MS = 20_000;
const XEBEC = join(import.meta.dirname, "../../apps/xebec/bin/xebec.mjs");

interface Pod {
  readonly metadata: { readonly annotations?: Record<string, string>; readonly labels?: Record<string, string> };
  readonly spec: {
    readonly containers: readonly { name: string }[];
    readonly initContainers?: readonly { name: string }[];
  };
}

const pod = (name: string, more: { labels?: object; annotations?: object; namespace?: string } = {}): string =>
  JSON.stringify({
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, namespace: "shop", labels: { app: name }, ...more },
    spec: { serviceAccountName: "default", containers: [{ name: "app", image: "app" }] },
  });

describe("webhooks behind a real API server", { skip }, () => {
  const ca = newCa();
  const replicas: Replica[] = [];
  let kube: Kube;
  let service: Awaited<ReturnType<typeof balance>>;

  /** Applies what standard input has. @returns what kubectl says, also when it fails */
  const apply = async (text: string, ...args: string[]): Promise<string> =>
    kube
      .kubectl(["apply", ...args, "-f", "-"], text)
      .catch((error: Error & { stderr?: string }) => error.stderr ?? error.message);
  const get = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(await kube.kubectl(["get", ...args, "-o", "json"])) as T;

  before(async () => {
    // Pods name a service account that no controller has to make.
    kube = await startKube({ controllers: false, apiServerFlags: ["--disable-admission-plugins=ServiceAccount"] });
    service = await balance(() => replicas.map(({ port }) => port));
    for (const [name, labels] of [
      ["shop", { "istio-injection": "enabled" }],
      ["plain", {}],
      ["istio-system", {}],
    ] as const)
      await apply(JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }));
    await apply(mutatingConfiguration("istio-sidecar-injector", service.port));
    replicas.push(await startInjector(kube, ca), await startInjector(kube, ca));
    await waitFor("the caBundle is written", LIMIT_MS, () =>
      replicas.every(({ component }) => component.missing?.().length === 0),
    );
  });
  after(async () => {
    service?.close();
    for (const each of replicas) await each.close();
    await kube?.close();
  });

  it("pods that kubectl makes come out with their sidecar, where namespace and pod ask for one", async () => {
    assert.match(await apply(pod("web")), /created/);
    const { spec, metadata } = await get<Pod>("pod", "web", "-n", "shop");
    assert.deepEqual(
      spec.containers.map(({ name }) => name),
      ["app", "istio-proxy"],
    );
    assert.deepEqual(
      spec.initContainers?.map(({ name }) => name),
      ["istio-init"],
    );
    assert.match(metadata.annotations?.["sidecar.istio.io/status"] ?? "", /istio-proxy/);
    await apply(pod("without", { labels: { "sidecar.istio.io/inject": "false" } }));
    await apply(pod("elsewhere", { namespace: "plain" }));
    for (const [name, namespace] of [
      ["without", "shop"],
      ["elsewhere", "plain"],
    ])
      assert.equal((await get<Pod>("pod", name as string, "-n", namespace as string)).spec.containers.length, 1);
  });

  it("a pod that cannot be injected is refused with the reason, and one with a slip is warned of", async () => {
    const wrong = await apply(
      pod("wrong", { annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "http" } }),
    );
    assert.match(
      wrong,
      /denied the request: injection failed: annotation traffic\.sidecar\.istio\.io\/excludeInboundPorts: must be ports, not "http"/,
    );
    const other = await apply(pod("other", { annotations: { "inject.istio.io/templates": "sidecars" } }));
    assert.match(other, /there is no injection template "sidecars"; there are sidecar, gateway/);
    const slip = pod("slip", { annotations: { "sidecar.istio.io/proxyCpu": "1" } });
    const warned = await apply(slip, "--warnings-as-errors");
    assert.match(
      warned,
      /Warning: annotation sidecar\.istio\.io\/proxyCpu is unknown; did you mean sidecar\.istio\.io\/proxyCPU\?/,
    );
  });

  it("the command injects as the webhook does, byte for byte, and says why", async () => {
    const deployment = {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "pay", namespace: "shop" } },
      spec: {
        selector: {},
        template: { metadata: { labels: { app: "pay" } }, spec: { containers: [{ name: "pay", image: "pay" }] } },
      },
    };
    const made = {
      metadata: {
        ...{ generateName: "pay-5d4f-", labels: { app: "pay" }, namespace: "shop" },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "pay-5d4f", controller: true }],
      },
      spec: deployment.spec.template.spec,
    };
    const review = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: { uid: "u", namespace: "shop", operation: "CREATE", object: made },
    };
    const target = { host: "127.0.0.1", port: replicas[0]?.port ?? 0 };
    const { body } = await httpCall(target, "/inject", {
      ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(review) },
      tls: { ca: ca.cert, servername: "" },
    });
    const patch = JSON.parse(Buffer.from(JSON.parse(body).response.patch, "base64").toString()) as Operation[];
    const { newDocument } = jsonPatch.applyPatch(structuredClone(made), patch);
    const { code, out } = await xebec(["inject", "-f", "-"], `${JSON.stringify(deployment)}\n---\n{kind: Service}\n`);
    assert.equal(code, 0, out);
    const [injected = "", service = ""] = out.split("---\n");
    const { template } = (readYaml(injected) as typeof deployment).spec;
    assert.equal(writeYaml(template.spec), writeYaml(newDocument.spec));
    assert.deepEqual(
      (template.metadata as { annotations?: object }).annotations,
      (newDocument.metadata as { annotations?: object }).annotations,
    );
    assert.equal(service, "{kind: Service}\n");
    const cluster = [
      "--kubeconfig",
      kube.kubeconfig,
      "--injectConfigFile",
      "/dev/null",
      "--valuesFile",
      "/dev/null",
      "--meshConfigFile",
      "/dev/null",
    ];
    const explained = await xebec(["inject", "--explain", "shop/without", ...cluster]);
    assert.match(
      explained.out,
      /^1\. webhook namespace\.sidecar-injector\.istio\.io .*: no, the labels of the pod do not fit its objectSelector sidecar\.istio\.io\/inject notin \(false\)$/m,
    );
    assert.match(explained.out, /sidecar\.istio\.io\/inject: no, the label sidecar\.istio\.io\/inject is false/);
    assert.match(explained.out, /a pod like this gets no proxy\n\d+\. the pod has no proxy/);
    await kube.kubectl(["label", "namespace", "plain", "istio-injection=enabled"]);
    const audited = await xebec(["inject", "--audit", ...cluster]);
    assert.match(
      audited.out,
      /plain +elsewhere +missing +has no proxy, although namespace\.sidecar-injector\.istio\.io asks for one/,
    );
    assert.equal(audited.code, 1);
    await waitFor("the injector names it, too", LIMIT_MS, async () => {
      const page = await httpCall({ host: "127.0.0.1", port: replicas[0]?.monitoringPort ?? 0 }, "/metrics");
      return page.body.includes('xebec_injector_pods_to_recreate{problem="missing"} 1');
    });
    await kube.kubectl(["label", "namespace", "plain", "istio-injection-"]);
  });

  it("somebody's change of the caBundle is undone, and what the injector does not own stays", async () => {
    const patch =
      '[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}, {"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}]';
    await kube.kubectl(["patch", "mutatingwebhookconfiguration", "istio-sidecar-injector", "--type=json", "-p", patch]);
    type Configuration = { metadata: { labels: object }; webhooks: { clientConfig: { caBundle?: string } }[] };
    const configuration = (): Promise<Configuration> => get("mutatingwebhookconfiguration", "istio-sidecar-injector");
    await waitFor(
      "the caBundle is back",
      LIMIT_MS,
      async () => (await configuration()).webhooks[0]?.clientConfig.caBundle !== undefined,
      100,
    );
    assert.deepEqual((await configuration()).metadata.labels, { x: "y" });
    // One of another revision is not its own.
    await apply(mutatingConfiguration("istio-sidecar-injector-canary", service.port, { "istio.io/rev": "canary" }));
    await apply(
      mutatingConfiguration("istio-revision-tag-prod", service.port, {
        "istio.io/rev": "default",
        "istio.io/tag": "prod",
      }),
    );
    const bundle = async (name: string): Promise<unknown> =>
      (await get<Configuration>("mutatingwebhookconfiguration", name)).webhooks[0]?.clientConfig.caBundle;
    await waitFor(
      "the tag's caBundle is written",
      LIMIT_MS,
      async () => (await bundle("istio-revision-tag-prod")) !== undefined,
      100,
    );
    assert.equal(await bundle("istio-sidecar-injector-canary"), undefined);
    await kube.kubectl([
      "delete",
      "mutatingwebhookconfiguration",
      "istio-sidecar-injector-canary",
      "istio-revision-tag-prod",
    ]);
  });

  it("certificates and their root change under load, and no pod is refused", async () => {
    const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
    const failures: string[] = [];
    let made = 0;
    let running = true;
    const work = async (id: number): Promise<void> => {
      for (let index = 0; running; index++)
        try {
          const body = JSON.parse(pod(`load-${id}-${index}`)) as object;
          const answer = await client.call<Pod>({
            method: "POST",
            path: "/api/v1/namespaces/shop/pods",
            query: { dryRun: "All" },
            body,
          });
          if (answer.spec.containers.length !== 2) failures.push("not injected");
          made++;
        } catch (error) {
          failures.push((error as Error).message);
        }
    };
    const workers = [1, 2, 3].map(work);
    const ended = async (): Promise<void> => {
      running = false;
      await Promise.all(workers);
      client.close();
    };
    const next = newCa("next root");
    const rotated = async (each: Replica, pair: ReturnType<typeof keyPair>): Promise<void> => {
      each.tls.update(pair);
      const { fingerprint256 } = new X509Certificate(pair.cert);
      await waitFor(
        "the new certificate is served",
        LIMIT_MS,
        async () => (await servedBy(each.port)) === fingerprint256,
        100,
      );
      const before = made;
      await waitFor("pods go on", LIMIT_MS, () => made > before + 5);
    };
    try {
      // The same root, then another one: one replica after another, as citadel hands them out.
      for (const each of replicas) await rotated(each, keyPair(ca));
      for (const each of replicas) await rotated(each, keyPair(next));
    } finally {
      await ended();
    }
    assert.deepEqual(failures, []);
    assert.ok(made > 50, `${made} pods`);
  });

  it("goes on when the API server was away", async () => {
    await kube.plane.apiServer.stop("SIGKILL");
    await kube.plane.apiServer.start();
    await waitFor("pods are injected again", LIMIT_MS, async () => /created/.test(await apply(pod("later"))), 300);
    assert.equal((await get<Pod>("pod", "later", "-n", "shop")).spec.containers.length, 2);
  });

  describe("of galley", () => {
    const galleys: Replica[] = [];
    let door: Awaited<ReturnType<typeof balance>>;
    type Configuration = {
      metadata: { uid: string; generation: number };
      webhooks: { name: string; failurePolicy: string; rules: { resources: string[] }[] }[];
    };
    const configuration = (): Promise<Configuration> => get("validatingwebhookconfiguration", "istio-galley");
    const strict = async (): Promise<boolean> =>
      (await configuration()).webhooks.every(({ failurePolicy }) => failurePolicy === "Fail");

    before(async () => {
      await apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: allCrds() }), "--server-side");
      await kube.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
      door = await balance(() => galleys.map(({ port }) => port));
      galleys.push(await startGalley(kube, ca, `https://127.0.0.1:${door.port}`));
      galleys.push(await startGalley(kube, ca, `https://127.0.0.1:${door.port}`));
      await waitFor("the webhook is registered, and strict", LIMIT_MS, strict, 200);
    });
    after(async () => {
      door?.close();
      for (const each of galleys) await each.close();
    });

    const virtualService = (spec: object, more: object = {}): string =>
      JSON.stringify({
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: "reviews", namespace: "shop" },
        spec,
        ...more,
      });
    const good = { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] };

    it("what is misspelt is refused with what was meant, and what is right is taken", async () => {
      assert.match(await apply(virtualService(good)), /created/);
      const misspelt = { ...good, http: [{ rout: [{ destination: { host: "reviews" } }] }] };
      const said = await apply(virtualService(misspelt));
      assert.match(said, /denied the request: configuration is invalid: .*rout.*did you mean route/s);
      const wrong = { ...good, http: [{ route: [{ destination: { host: "*" } }] }] };
      assert.match(await apply(virtualService(wrong)), /configuration is invalid: .*destination\.host/s);
    });

    it("what can never match is a warning that kubectl shows", async () => {
      const unreachable = { ...good, http: [...good.http, ...good.http] };
      assert.match(await apply(virtualService(unreachable), "--warnings-as-errors"), /Warning: .*http\[1\]/s);
    });

    it("a status is written whatever the rules say", async () => {
      const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
      const type = { group: "networking.istio.io", version: "v1", kind: "VirtualService", plural: "virtualservices" };
      const path = { namespace: "shop", name: "reviews", subresource: "status" };
      const patched = await client.patch<{ status: object }>(type, path, { status: { conditions: [] } });
      assert.deepEqual(patched.status, { conditions: [] });
      client.close();
    });

    it("what somebody does to the registration is undone", async () => {
      const { metadata } = await configuration();
      await kube.kubectl(["delete", "validatingwebhookconfiguration", "istio-galley"]);
      await waitFor(
        "it is there again, and strict",
        LIMIT_MS,
        async () =>
          (await configuration().catch(() => undefined))?.metadata.uid !== metadata.uid &&
          (await strict().catch(() => false)),
        200,
      );
      const patch = '[{"op": "replace", "path": "/webhooks/0/rules/0/resources", "value": ["gateways"]}]';
      await kube.kubectl(["patch", "validatingwebhookconfiguration", "istio-galley", "--type=json", "-p", patch]);
      await waitFor(
        "its rules are back",
        LIMIT_MS,
        async () => (await configuration()).webhooks[0]?.rules[0]?.resources[0] === "*",
        200,
      );
      assert.match(await apply(virtualService({ hosts: [] })), /denied the request/);
      // Made, trusted, strict, changed and undone: two replicas that fought would have written more.
      const { generation } = (await configuration()).metadata;
      assert.ok(generation <= 7, `${generation} changes`);
    });
  });
});

/** Runs the command line. */
async function xebec(
  args: readonly string[],
  input = "",
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [XEBEC, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, out: out || errors };
}

/** The fingerprint of the certificate that a port serves. */
function servedBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      resolve(fingerprint256);
    });
    socket.on("error", reject);
  });
}
