import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { chart, helmMissing } from "./helm.testkit.ts";
import { InstalledMesh, SYSTEM, WAIT_MS } from "./installed-mesh.testkit.ts";
import { list } from "./objects.ts";

/** Says its name, the path and the headers of requests; whoever upgrades gets its bytes back. */
const APP = `import { createServer } from "node:http";
const [name, port] = process.argv.slice(2);
const server = createServer((ask, answer) => answer.end(JSON.stringify({ name, path: ask.url, headers: ask.headers })));
server.on("upgrade", (_, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n");
  socket.on("error", () => socket.destroy()).pipe(socket);
});
server.listen(port);
process.on("SIGTERM", () => process.exit());
`;
/** An address that routers lead to the nodes. */
const EXTERNAL = "192.0.2.41";
const HEAD = { apiVersion: "networking.istio.io/v1beta1" };

/** Objects with a mistake that tutorials have, and what is said. */
const MISSPELT: readonly [object, RegExp][] = [
  [
    {
      ...{ ...HEAD, kind: "VirtualService" },
      spec: { hosts: ["a"], http: [{ route: [{ destinations: { host: "a" } }] }] },
    },
    /destinations: unknown field; did you mean destination\?/,
  ],
  [
    {
      ...{ ...HEAD, kind: "VirtualService" },
      spec: {
        hosts: ["a"],
        http: [
          {
            fault: { abort: { percentage: { value: 20 }, httpStaus: 555 } },
            route: [{ destination: { host: "a" } }],
          },
        ],
      },
    },
    /httpStaus: unknown field; did you mean httpStatus\?/,
  ],
  [{ ...HEAD, kind: "Sidecar", spec: { egress: [{ host: ["./*"] }] } }, /host: unknown field; did you mean hosts\?/],
  [{ ...HEAD, kind: "DestinationRule", spec: { hosts: "a" } }, /hosts: unknown field; did you mean host\?/],
  [
    {
      ...{ ...HEAD, kind: "Gateway" },
      spec: { selector: { a: "b" }, server: [{ port: { number: 80, name: "a", protocol: "HTTP" }, hosts: ["*"] }] },
    },
    /server: unknown field; did you mean servers\?/,
  ],
  [
    { ...HEAD, apiVersion: "networking.istio.io/v1beat1", kind: "Sidecar", spec: {} },
    /no matches for kind "Sidecar" in version "networking\.istio\.io\/v1beat1"/,
  ],
  [
    {
      ...HEAD,
      kind: "Sidecar",
      spec: { egress: { port: { number: 8008, protocol: "HTTP", name: "a" }, hosts: ["./*"] } },
    },
    /spec\.egress: Invalid value: "object".*must be of type array/,
  ],
];

describe("objects of tutorials, applied one after another with kubectl", {
  skip: clusterMissing() ?? helmMissing(),
}, () => {
  let cluster: TestCluster;
  let mesh: InstalledMesh;
  let app: string;
  const seed = (name: string): string => readFileSync(resolve(import.meta.dirname, "seeds", `${name}.yaml`), "utf8");
  const apply = (namespace: string, objects: string): Promise<string> =>
    cluster.kubectl(["apply", "-n", namespace, "-f", "-"], objects);

  before(async () => {
    cluster = await useCluster();
    mesh = new InstalledMesh(cluster);
    await mesh.install("profile=demo", "mixer.enabled=false");
    for (const kind of ["ingress", "egress"])
      await mesh.helm(
        "install",
        `istio-${kind}gateway`,
        chart("gateway"),
        "--set",
        `autoscaleEnabled=false,kind=${kind}`,
      );
    await mesh.ready(["pilot", "citadel", "galley", "sidecar-injector", "ingressgateway", "egressgateway"]);
    await mesh.injects();
    app = await cluster.namespace("seeds", { "istio-injection": "enabled" });
    const code = list({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "seeds-app" },
      data: { "app.mjs": APP },
    });
    for (const each of [SYSTEM, app]) await apply(each, code);
    await mesh.apply(app, "sleep/sleep.yaml");
    await apply(app, seed("canary"));
    await apply(app, seed("workloads"));
    await apply(SYSTEM, seed("dash"));
  });
  after(async () => {
    if (!cluster) return;
    if (app) await cluster.kubectl(["delete", "namespace", app, "--wait=false"]);
    for (const each of ["dash", "egress-gateway"])
      await cluster.kubectl(["delete", "-n", SYSTEM, "--ignore-not-found", "-f", "-"], seed(each));
    await cluster.kubectl(["delete", "configmap", "seeds-app", "-n", SYSTEM, "--ignore-not-found"]);
    await mesh.uninstall();
    await cluster.close();
  });

  const nodePort = (name: string): Promise<string> =>
    cluster.kubectl([
      ...["get", "service", "istio-ingressgateway", "-n", SYSTEM, "-o"],
      `jsonpath={.spec.ports[?(@.name=="${name}")].nodePort}`,
    ]);
  /** A request to a NodePort. @returns its status; 0 without an answer */
  const get = (host: string, port: string): Promise<number> =>
    new Promise((done) => {
      const ask = request({ host: cluster.nodeIp, port, headers: { host }, agent: false, timeout: 5_000 }, (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      });
      ask.on("timeout", () => ask.destroy());
      ask.on("error", () => done(0));
      ask.end();
    });
  /** What a client in the mesh gets. */
  const curl = (...args: string[]): Promise<string> =>
    cluster.kubectl(["exec", "-n", app, "deployment/sleep", "-c", "sleep", "--", "curl", "-s", "-m", "5", ...args]);
  const says = (what: string, url: string): Promise<true> =>
    waitFor(`${url} says ${what}`, WAIT_MS, async () => (await curl(url).catch(() => "")).includes(what));

  it("a Service without a proxy, behind the gateway's port 80", async () => {
    const port = await nodePort("http2");
    await waitFor("the dashboard", WAIT_MS, async () => (await get("dash.example.com", port)) === 200);
    assert.equal(await get("other.example.com", port), 404);
  });

  it("a port that Gateway and Service get while they serve, as NodePort and as an external address", async () => {
    await apply(SYSTEM, seed("dash-port"));
    const port = { name: "http-dash", port: 20001, targetPort: 20001, nodePort: 32072 };
    const patch = [
      { op: "add", path: "/spec/ports/-", value: port },
      { op: "add", path: "/spec/externalIPs", value: [EXTERNAL] },
    ];
    const service = ["patch", "service", "istio-ingressgateway", "-n", SYSTEM, "--type=json", "-p"];
    await cluster.kubectl([...service, JSON.stringify(patch)]);
    await waitFor("the new port", WAIT_MS, async () => (await get("dash.example.com:20001", "32072")) === 200);
    assert.equal(await get("dash.example.com", await nodePort("http2")), 404);
    const call = [
      "exec",
      "-n",
      SYSTEM,
      "deployment/istio-citadel",
      "--",
      "curl",
      "-s",
      "-H",
      "host: dash.example.com:20001",
    ];
    assert.match(await cluster.kubectl([...call, `http://${EXTERNAL}:20001/`]), /"name":"dash"/);
  });

  it("versions: subsets, rewrite, redirect and headers", async () => {
    await cluster.ready(app, ["deployment/greeter-v10", "deployment/greeter-v11", "deployment/sleep"]);
    await says('"name":"v1.1","path":"/"', "http://greeter:8080/canary");
    await says('"name":"v1.0"', "http://greeter:8080/");
    assert.match(await curl("-i", "http://greeter:8080/backend"), /^HTTP\/1.1 301.*location: http:\/\/backend:8082\//s);
    assert.match(await curl("-i", "http://greeter:8080/"), /x-greeter: default/);
  });

  it("a bare pod, which a Service finds when it gets the label", async () => {
    const spec = list({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "alone" } },
      spec: {
        containers: [
          {
            ...{ name: "alone", image: "node", args: ["node", "/srv/app.mjs", "alone", "8080"] },
            volumeMounts: [{ name: "app", mountPath: "/srv" }],
          },
        ],
        volumes: [{ name: "app", configMap: { name: "seeds-app" } }],
      },
    });
    await apply(app, spec);
    await cluster.kubectl(["create", "service", "clusterip", "alone", "--tcp=80:8080", "-n", app]);
    await cluster.kubectl(["label", "pod", "alone", "app=alone", "-n", app]);
    await says('"name":"alone"', "http://alone/");
  });

  it("a StatefulSet by the names of its pods, and a Job that ends", async () => {
    await cluster.ready(app, ["statefulset/db"]);
    await says('"name":"db-0"', "http://db-0.db:8080/");
    await cluster.kubectl(["wait", "job/once", "-n", app, "--for=condition=complete", "--timeout=60s"]);
    await waitFor("its pod has ended", WAIT_MS, async () => {
      const phase = ["get", "pods", "-n", app, "-l", "job-name=once", "-o", "jsonpath={.items[*].status.phase}"];
      return (await cluster.kubectl(phase)) === "Succeeded";
    });
  });

  it("WebSocket through the gateway", async () => {
    const port = await nodePort("http2");
    const echoed = await new Promise<string>((done, failed) => {
      const headers = {
        ...{ host: "greeter.example.com", connection: "Upgrade", upgrade: "websocket" },
        ...{ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
      };
      const ask = request({ host: cluster.nodeIp, port, headers, agent: false, timeout: 10_000 });
      ask.on("upgrade", (_: IncomingMessage, socket) => {
        socket.once("data", (bytes: Buffer) => {
          done(bytes.toString());
          socket.destroy();
        });
        socket.write("ping");
      });
      ask.on("response", ({ statusCode }) => failed(new Error(`${statusCode} instead of an upgrade`)));
      ask.on("timeout", () => ask.destroy(new Error("no answer")));
      ask.on("error", failed);
      ask.end();
    });
    assert.equal(echoed, "ping");
  });

  it("requests that leave through the egress gateway", async () => {
    const address = await cluster.kubectl(["get", "service", "dash", "-n", SYSTEM, "-o", "jsonpath={.spec.clusterIP}"]);
    const entry = {
      ...{ ...HEAD, kind: "ServiceEntry", metadata: { name: "outside" } },
      spec: {
        hosts: ["outside.example.com"],
        addresses: ["240.0.0.77"],
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        ...{ location: "MESH_EXTERNAL", resolution: "STATIC" },
        endpoints: [{ address, ports: { http: 20001 } }],
      },
    };
    await apply(app, list(entry));
    await apply(SYSTEM, seed("egress-gateway"));
    await apply(app, seed("egress"));
    await waitFor("the way through the egress gateway", WAIT_MS, async () =>
      (await curl("-H", "host: outside.example.com", "http://240.0.0.77/").catch(() => "")).includes(
        '"x-left-through":"egress"',
      ),
    );
  });

  for (const [i, [object, said]] of MISSPELT.entries())
    it(`refuses a misspelt object: ${said.source.replaceAll("\\", "")}`, async () => {
      const named = JSON.stringify({ ...object, metadata: { name: `odd-${i}` } });
      await assert.rejects(apply(app, named), said);
    });
});
