import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { list, pod, service, workload } from "./objects.ts";

const skip = clusterMissing();

suite("pods of a cluster", { skip }, () => {
  let cluster: TestCluster;
  let ns: string;
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    cluster.kubectl(["-n", ns, ...args], input);
  const apply = (...objects: readonly object[]): Promise<string> => kubectl(["apply", "-f", "-"], list(...objects));
  const curl = (...args: readonly string[]): Promise<string> =>
    kubectl(["exec", "client", "--", "curl", "-s", "-m", "10", ...args]);
  const status = async (name: string, path: string): Promise<string> =>
    kubectl(["get", "pod", name, "-o", `jsonpath={.status.${path}}`]);

  before(async () => {
    cluster = await useCluster();
    ns = await cluster.namespace("pods");
    await apply(pod("client", { image: "curlimages/curl", container: { command: ["sleep", "infinity"] } }));
    await cluster.ready(ns, ["pod/client"]);
  });
  after(() => cluster?.close());

  test("a Deployment is ready when its probes are, and is reached by its Service's name", async () => {
    const probe = { httpGet: { path: "/get", port: "http" }, periodSeconds: 1 };
    await apply(
      workload("Deployment", "web", {
        image: "kong/httpbin",
        replicas: 2,
        container: {
          ports: [{ name: "http", containerPort: 80 }],
          ...{ startupProbe: probe, readinessProbe: probe, livenessProbe: probe },
        },
      }),
      service("web", 8000, 80),
      service("web-node", 8000, 80, { type: "NodePort", selector: { app: "web" } }),
    );
    await cluster.ready(ns, ["deployment/web"]);
    await waitFor("the Service's endpoints", 60_000, async () => (await curl("http://web:8000/get")) !== "", 100);
    const answer = JSON.parse(await curl(`http://web.${ns}.svc.cluster.local:8000/get`)) as { url: string };
    assert.equal(answer.url, `http://web.${ns}.svc.cluster.local:8000/get`);
    const port = await kubectl(["get", "service", "web-node", "-o", "jsonpath={.spec.ports[0].nodePort}"]);
    assert.equal((await fetch(`http://${cluster.nodeIp}:${port}/get`)).status, 200);
  });

  test("a Service without endpoints refuses, and a name that is none is not found", async () => {
    await apply(service("nobody", 80, 80));
    // curl: 7 is a refused connection, 6 an unknown host.
    await assert.rejects(curl("http://nobody"), /exit code 7/);
    await assert.rejects(curl("http://no-such-service"), /exit code 6/);
  });

  test("a pod reaches a server of the machine", async (t) => {
    const hostIp = cluster.nodeIp.replace(/2$/, "1");
    const server = createServer((_, response) => response.end("the machine"));
    await new Promise<void>((resolve) => server.listen(0, hostIp, resolve));
    t.after(() => server.close());
    assert.equal(await curl(`http://${hostIp}:${(server.address() as AddressInfo).port}`), "the machine");
  });

  test("a program is found below a volume, which the working copy may be in", async () => {
    const root = join(import.meta.dirname, "../..");
    const container = {
      command: ["sh", "-c", `ls ${root}/package.json; touch ${dirname(root)}/own; sleep 600`],
      volumeMounts: [{ name: "above", mountPath: dirname(root) }],
    };
    await apply(pod("below", { container, spec: { volumes: [{ name: "above", emptyDir: {} }] } }));
    await cluster.ready(ns, ["pod/below"]);
    await waitFor("it has found it", 60_000, async () => (await kubectl(["logs", "below"])).includes("package.json"));
    assert.equal(existsSync(join(dirname(root), "own")), false, "the volume is the pod's own");
  });

  test("environment and volumes come from ConfigMaps, Secrets, the pod, and follow changes", async () => {
    await apply(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { color: "red", SIZE: "xl" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "hidden" }, stringData: { key: "s3cret" } },
      pod("reads", {
        container: {
          command: ["sleep", "infinity"],
          resources: { limits: { cpu: "500m", memory: "64Mi" } },
          envFrom: [{ prefix: "CM_", configMapRef: { name: "settings" } }],
          env: [
            { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
            { name: "KEY", valueFrom: { secretKeyRef: { name: "hidden", key: "key" } } },
            { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
            { name: "BOTH", value: "$(KEY)-$(MEM)" },
          ],
          volumeMounts: [
            { name: "all", mountPath: "/all" },
            { name: "scratch", mountPath: "/var/scratch" },
            { name: "settings", mountPath: "/etc/one/color", subPath: "color" },
          ],
        },
        spec: {
          volumes: [
            { name: "scratch", emptyDir: {} },
            { name: "settings", configMap: { name: "settings" } },
            {
              name: "all",
              projected: {
                sources: [
                  { configMap: { name: "settings" } },
                  { secret: { name: "hidden", items: [{ key: "key", path: "deep/key" }] } },
                  { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels['app']" } }] } },
                  { serviceAccountToken: { path: "token", audience: "istio-ca", expirationSeconds: 3_600 } },
                ],
              },
            },
          ],
        },
      }),
    );
    await cluster.ready(ns, ["pod/reads"]);
    const sh = (script: string): Promise<string> => kubectl(["exec", "reads", "--", "sh", "-c", script]);
    const ip = await status("reads", "podIP");
    assert.equal(await sh("echo $CM_SIZE $IP $KEY $MEM $BOTH"), `xl ${ip} s3cret 64 s3cret-64\n`);
    assert.equal(
      await sh("cat /all/color /all/deep/key /all/labels /etc/one/color; touch /var/scratch/x; hostname"),
      "reds3cretreadsredreads\n",
    );
    const [, claims = ""] = (await sh("cat /all/token")).split(".");
    const { aud } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { aud: string[] };
    assert.deepEqual(aud, ["istio-ca"]);
    await apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { color: "blue", SIZE: "xl" },
    });
    await waitFor("the changed file", 60_000, async () => (await sh("cat /all/color")) === "blue", 100);
  });

  test("init containers run in their order, native sidecars before and after the others, and a Job completes", async () => {
    const say = (text: string) => ["sh", "-c", `echo ${text} >>/shared/said`];
    const mounts = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
    const sidecar = "trap 'exit 0' TERM; echo sidecar >>/shared/said; touch /shared/up; while :; do sleep 0.1; done";
    await apply({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "once" },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: "Never",
            volumes: [{ name: "shared", emptyDir: {} }],
            initContainers: [
              { name: "first", image: "busybox", command: say("first"), ...mounts },
              {
                name: "beside",
                image: "busybox",
                restartPolicy: "Always",
                command: ["sh", "-c", sidecar],
                startupProbe: { exec: { command: ["test", "-f", "/shared/up"] }, periodSeconds: 1 },
                ...mounts,
              },
              { name: "second", image: "busybox", command: say("second"), ...mounts },
            ],
            containers: [
              {
                name: "main",
                image: "busybox",
                command: ["sh", "-c", "echo main >>/shared/said; cat /shared/said"],
                ...mounts,
              },
            ],
          },
        },
      },
    });
    await kubectl(["wait", "--for=condition=Complete", "job/once", "--timeout=60s"]);
    assert.equal(await kubectl(["logs", "job/once", "-c", "main"]), "first\nsidecar\nsecond\nmain\n");
  });

  test("a container that fails is started again and waits in CrashLoopBackOff; its last log is kept", async () => {
    await apply(
      pod("crashes", { container: { command: ["sh", "-c", "echo attempt; echo why >/dev/termination-log; exit 3"] } }),
    );
    await waitFor(
      "the back-off",
      60_000,
      async () => (await status("crashes", "containerStatuses[0].state.waiting.reason")) === "CrashLoopBackOff",
      100,
    );
    assert.equal(await status("crashes", "containerStatuses[0].lastState.terminated.exitCode"), "3");
    assert.equal(await status("crashes", "containerStatuses[0].lastState.terminated.message"), "why\n");
    assert.equal(await status("crashes", "phase"), "Running");
    assert.equal(await kubectl(["logs", "crashes", "--previous"]), "attempt\n");
  });

  test("an image that does not run here says which do", async () => {
    await apply(pod("unknown", { image: "example.com/some/thing:1" }));
    await waitFor(
      "the refusal",
      60_000,
      async () =>
        /ErrImagePull|ImagePullBackOff/.test(await status("unknown", "containerStatuses[0].state.waiting.reason")),
      100,
    );
    assert.match(
      await status("unknown", "containerStatuses[0].state.waiting.message"),
      /does not run on this node.*proxyv2/,
    );
  });

  test("a failed liveness probe restarts the container", async () => {
    const command = ["sh", "-c", "touch /tmp/alive; sleep 1; rm /tmp/alive; exec sleep infinity"];
    const livenessProbe = { exec: { command: ["test", "-f", "/tmp/alive"] }, periodSeconds: 1, failureThreshold: 1 };
    await apply(pod("hangs", { container: { command, livenessProbe } }));
    await waitFor(
      "the restart",
      60_000,
      async () => Number(await status("hangs", "containerStatuses[0].restartCount")) > 0,
      100,
    );
    assert.equal(await status("hangs", "containerStatuses[0].lastState.terminated.exitCode"), "137");
  });

  test("a StatefulSet's pods have names, and keep their volumes", async () => {
    const container = {
      command: ["sh", "-c", "hostname >>/data/names; exec sleep infinity"],
      readinessProbe: { exec: { command: ["test", "-s", "/data/names"] }, periodSeconds: 1 },
    };
    const volumeMounts = [{ name: "data", mountPath: "/data" }];
    await apply(
      service("keeps", 80, 80, { clusterIP: "None" }),
      workload("StatefulSet", "keeps", {
        replicas: 2,
        container: { ...container, volumeMounts },
        more: {
          serviceName: "keeps",
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
          ],
        },
      }),
    );
    await cluster.ready(ns, ["statefulset/keeps"]);
    const ip = await status("keeps-1", "podIP");
    const found = await kubectl(["exec", "client", "--", "getent", "hosts", `keeps-1.keeps.${ns}.svc.cluster.local`]);
    assert.match(found, new RegExp(`^${ip} `));
    await kubectl(["delete", "pod", "keeps-1"]);
    await cluster.ready(ns, ["statefulset/keeps"]);
    await waitFor(
      "what both pods have written",
      60_000,
      async () => (await kubectl(["exec", "keeps-1", "--", "cat", "/data/names"])) === "keeps-1\nkeeps-1\n",
      100,
    );
  });
});
