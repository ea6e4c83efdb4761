// A Go program with the MCP packages of Istio: as a sink of galley's, as a server that galley calls, and as the source of pilot's configuration.
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { waitFor } from "@xebec/core-async";
import { freePorts, tempDir } from "@xebec/testing-launch";
import {
  ask,
  type StartedService,
  startBackend,
  startGateway,
  startPilot,
  startService,
} from "../behaviour/lab/mcp-mesh.ts";
import { goBinary, withoutGo } from "./go.ts";

const run = promisify(execFile);

interface Received {
  readonly version: string;
  readonly incremental: boolean;
  readonly objects: readonly {
    readonly name: string;
    readonly version: string;
    readonly type: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly created?: string;
    readonly body: unknown;
  }[];
}
type Collections = Readonly<Record<string, Received>>;

/** Istio's packages write their log to standard output, too. */
const lastLine = (text: string): Collections => JSON.parse(text.trim().split("\n").at(-1) ?? "") as Collections;

const route = (timeout: string) => `
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: reviews, namespace: default, labels: {app: reviews}, creationTimestamp: "2026-01-02T03:04:05Z"}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {prefix: /a}, headers: {user: {exact: jason}}}]
    timeout: ${timeout}
    retries: {attempts: 3, perTryTimeout: 1m30s}
    fault: {abort: {httpStatus: 500, percentage: {value: 10}}}
    route: [{destination: {host: reviews, subset: v1, port: {number: 9080}}, weight: 100}]
`;
const OBJECTS = `
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, tls: {mode: ISTIO_MUTUAL}}
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: ratings, namespace: default}
spec: {hosts: [ratings], http: [{route: [{destination: {host: ratings}}]}]}
---
apiVersion: authentication.istio.io/v1alpha1
kind: MeshPolicy
metadata: {name: default}
spec: {peers: [{mtls: {}}]}
---
apiVersion: rbac.istio.io/v1alpha1
kind: ClusterRbacConfig
metadata: {name: default}
spec: {mode: ON_WITH_INCLUSION, inclusion: {namespaces: [default]}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny, namespace: istio-system}
spec: {match: 'request.path == "/x"', actions: [{handler: deny.denier, instances: [deny.checknothing]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: denier
metadata: {name: deny, namespace: istio-system}
spec: {status: {code: 7}}
---
apiVersion: config.istio.io/v1alpha2
kind: checknothing
metadata: {name: deny, namespace: istio-system}
spec: {}
`;

describe("MCP with a Go program", { skip: withoutGo }, () => {
  const dir = tempDir();
  const started: StartedService[] = [];
  let program = "";
  let ports: readonly number[] = [];
  const sink = async (...flags: readonly string[]): Promise<Collections> => {
    const { stdout } = await run(program, ["--address", `127.0.0.1:${ports[0]}`, ...flags], { timeout: 60_000 });
    return lastLine(stdout);
  };

  before(async () => {
    program = await goBinary("mcp");
    ports = await freePorts(3);
    writeFileSync(dir.file("route.yaml"), route("2s"));
    writeFileSync(dir.file("objects.yaml"), OBJECTS);
    const [mcp, monitoring = 0, push] = ports;
    const galley = startService("galley", monitoring, [
      ...["--configPath", dir.path, "--enable-validation=false", "--enable-server", "--insecure"],
      ...["--server-address", `tcp://127.0.0.1:${mcp}`, "--sinkAddress", `127.0.0.1:${push}`, "--sinkAuthMode", "NONE"],
      ...["--monitoringAddress", "127.0.0.1", "--monitoringPort", String(monitoring)],
    ]);
    started.push(galley);
    await galley.ready();
  });
  after(async () => {
    await Promise.all(started.map((each) => each.stop()));
    dir.remove();
  });

  const checkAll = (got: Collections): void => {
    // As many as Istio's own metadata has.
    assert.equal(Object.keys(got).length, 58);
    const of = (name: string) => got[name] as Received;
    assert.deepEqual([of("k8s/core/v1/pods").version, of("k8s/core/v1/pods").objects], ["0", []]);
    const [ratings, reviews] = of("istio/networking/v1alpha3/virtualservices").objects;
    assert.deepEqual([ratings?.name, reviews?.name], ["default/ratings", "default/reviews"]);
    assert.equal(reviews?.type, "type.googleapis.com/istio.networking.v1alpha3.VirtualService");
    assert.deepEqual([reviews?.labels, reviews?.created], [{ app: "reviews" }, "2026-01-02T03:04:05Z"]);
    assert.deepEqual(reviews?.body, {
      hosts: ["reviews"],
      http: [
        {
          match: [{ uri: { prefix: "/a" }, headers: { user: { exact: "jason" } } }],
          timeout: "2s",
          retries: { attempts: 3, perTryTimeout: "90s" },
          fault: { abort: { httpStatus: 500, percentage: { value: 10 } } },
          route: [{ destination: { host: "reviews", subset: "v1", port: { number: 9080 } }, weight: 100 }],
        },
      ],
    });
    const [rule] = of("istio/networking/v1alpha3/destinationrules").objects;
    assert.deepEqual(rule?.body, {
      host: "reviews",
      trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" }, tls: { mode: "ISTIO_MUTUAL" } },
      subsets: [{ name: "v1", labels: { version: "v1" } }],
    });
    const single = (name: string) => of(name).objects.map(({ name, type, body }) => ({ name, type, body }));
    assert.deepEqual(single("istio/authentication/v1alpha1/meshpolicies"), [
      {
        name: "default",
        type: "type.googleapis.com/istio.authentication.v1alpha1.Policy",
        body: { peers: [{ mtls: {} }] },
      },
    ]);
    assert.deepEqual(single("istio/rbac/v1alpha1/clusterrbacconfigs"), [
      {
        ...{ name: "default", type: "type.googleapis.com/istio.rbac.v1alpha1.RbacConfig" },
        body: { mode: "ON_WITH_INCLUSION", inclusion: { namespaces: ["default"] } },
      },
    ]);
    assert.deepEqual(single("istio/policy/v1beta1/rules"), [
      {
        ...{ name: "istio-system/deny", type: "type.googleapis.com/istio.policy.v1beta1.Rule" },
        body: {
          match: 'request.path == "/x"',
          actions: [{ handler: "deny.denier", instances: ["deny.checknothing"] }],
        },
      },
    ]);
    assert.deepEqual(single("istio/config/v1alpha2/legacy/deniers"), [
      {
        ...{ name: "istio-system/deny", type: "type.googleapis.com/google.protobuf.Struct" },
        body: { status: { code: 7 } },
      },
    ]);
  };

  it("gives a sink all collections of Istio 1.1, which Istio's own code decodes", async () => checkAll(await sink()));

  it("is called by galley when it serves the sink", async () => {
    const { stdout } = await run(program, ["--mode", "sinkserver", "--address", `127.0.0.1:${ports[2]}`], {
      timeout: 60_000,
    });
    checkAll(lastLine(stdout));
  });

  it("gets only what has changed when it asks for that", async () => {
    const changes = sink("--incremental", "--more", "1");
    const metrics = () => started[0]?.text("/metrics") ?? Promise.resolve("");
    await waitFor("the sink is there", 20_000, async () => /galley_mcp_source_clients_total 1/.test(await metrics()));
    writeFileSync(dir.file("route.yaml"), route("3s"));
    const { "istio/networking/v1alpha3/virtualservices": got } = await changes;
    assert.equal(got?.incremental, true);
    const last = got?.objects.find(({ name }) => name === "default/reviews");
    assert.match(JSON.stringify(last?.body), /"timeout":"3s"/);
  });

  it("may refuse, which galley counts, and is not sent the same again", async () => {
    const refusing = run(program, ["--address", `127.0.0.1:${ports[0]}`, "--refuse", "virtualservices"]);
    await waitFor("the refusal is counted", 30_000, async () =>
      /nacks_total\{collection="istio\/networking\/v1alpha3\/virtualservices",code="3"\} 1/.test(
        (await started[0]?.text("/metrics")) ?? "",
      ),
    ).finally(() => refusing.child.stdin?.end());
    await refusing;
  });

  it("is asked for its collections only, and gives an Envoy its routes over pilot", async () => {
    const [port = 0] = await freePorts(1);
    const backend = await startBackend("hello");
    const [listen = 0] = await freePorts(1);
    const source: ChildProcessWithoutNullStreams = spawn(program, [
      ...["--mode", "source", "--address", `127.0.0.1:${port}`, "--host", "go.example.com"],
      ...["--port", String(backend.port)],
    ]);
    const gateways = tempDir();
    writeFileSync(
      gateways.file("gateway.yaml"),
      JSON.stringify({
        ...{ apiVersion: "networking.istio.io/v1alpha3", kind: "Gateway" },
        metadata: { name: "gateway", namespace: "istio-system" },
        spec: {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: listen, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        },
      }),
    );
    source.stdin.write("one\n");
    const pilot = await startPilot(["--mcpServerAddrs", `mcp://127.0.0.1:${port}`, "--configDir", gateways.path]);
    started.push(pilot);
    try {
      await pilot.ready();
      await using envoy = await startGateway(pilot.xds);
      assert.ok(!envoy.exited);
      const says = (word: string) =>
        waitFor(`Envoy adds ${word}`, 10_000, async () => {
          const { headers, text } = await ask(listen, "go.example.com").catch(() => ({ headers: {}, text: "" }));
          return text === "hello" && (headers as Record<string, unknown>)["from-go"] === word;
        });
      await says("one");
      source.stdin.write("two\n");
      await says("two");
    } finally {
      source.kill("SIGKILL");
      backend.server.close();
      gateways.remove();
    }
  });
});
