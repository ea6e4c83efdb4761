import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import { type KeptAlive, type Lab, openLab, type Stream } from "./lab/lab.ts";

const POLICY = "10.9.0.1";
const TELEMETRY = "10.9.0.2";

/** Denies what has a header, and writes a line of each request with a header of it and one of the answer. */
const RULES = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: deny, namespace: istio-system}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: blocked}}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: nothing, namespace: istio-system}
spec: {compiledTemplate: checknothing}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: deny, namespace: istio-system}
spec:
  match: request.headers["x-block"] == "yes"
  actions: [{handler: deny, instances: [nothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: stdio, namespace: istio-system}
spec: {compiledAdapter: stdio, params: {outputAsJson: true}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: line, namespace: istio-system}
spec:
  compiledTemplate: logentry
  params:
    severity: '"Info"'
    timestamp: request.time
    variables:
      note: request.headers["x-note"] | "none"
      answered: response.headers["x-by"] | "none"
      side: context.reporter.kind | "none"
      code: response.code | 0
    monitored_resource_type: '"global"'
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: line, namespace: istio-system}
spec: {actions: [{handler: stdio, instances: [line]}]}
`;
const peers = (name: string, spec: string): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${name}, namespace: default}
spec: ${spec}
`;
/** Two ports that have filter chains of their own, with the mode of each. */
const ports = (first: string, second: string): string =>
  peers(
    "ports",
    `{selector: {matchLabels: {app: web}}, portLevelMtls: {"7777": {mode: ${first}}, "7778": {mode: ${second}}}}`,
  );

const mixer = (name: string, address: string, port: string) => ({
  ...{ name, namespace: "istio-system", address, ports: { [port]: 9091 } },
  pods: [{ name: `${name}-1`, ip: address, sidecar: true }],
});

describe("a policy that comes and goes", () => {
  const folder = tempDir();
  let lab: Lab;
  let policy: Child;
  let telemetry: Child;
  const open: Record<string, Stream> = {};
  let kept: KeptAlive;

  /** Connections that stay open from before the first rule until the end. */
  const everybodyAnswers = async (names = Object.keys(open)): Promise<void> => {
    for (const name of names) assert.match(await (open[name] as Stream).say(name), new RegExp(`:${name}$`), name);
  };
  const blocked = async (): Promise<number> => {
    const answer = await kept.request({ headers: { "x-block": "yes" } });
    assert.notEqual(answer.headers.connection, "close", "the connection is to go on");
    return answer.status;
  };
  /** Waits until what has changed so far would have cut connections: it has cut one whose chain really changed. */
  const drained = async (port: number, change: string): Promise<void> => {
    const sacrifice = await lab.stream({ to: "web", url: `http://web:${port}/` });
    assert.equal(await sacrifice.say("x"), `raw-${port}:x`);
    await lab.apply(change);
    await waitFor("the drain time is over", 15_000, () => sacrifice.closed());
  };

  before(async () => {
    lab = await openLab({
      flags: ["--drain-time-s", "1"],
      proxies: { web: { kind: "captured", ip: "10.1.0.9", labels: { app: "web" } } },
      services: [
        {
          ...{ name: "web", address: "10.96.0.9", ports: { http: 9080 } },
          pods: [{ name: "web-1", ip: "10.1.0.9", labels: { app: "web" }, sidecar: true }],
        },
        { name: "other", address: "10.96.0.1", ports: { http: 9080 }, pods: [{ name: "other", ip: "10.1.0.5" }] },
        mixer("istio-policy", POLICY, "grpc-mixer"),
        mixer("istio-telemetry", TELEMETRY, "grpc-mixer"),
      ],
      objects: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: mixer, namespace: istio-system}
spec: {host: "*.istio-system.svc.cluster.local", trafficPolicy: {tls: {mode: DISABLE}}}
---${ports("PERMISSIVE", "PERMISSIVE")}`,
      upstreams: [
        { name: "web", at: "10.1.0.9:9080" },
        { name: "raw-7777", at: "10.1.0.9:7777" },
        { name: "raw-7778", at: "10.1.0.9:7778" },
      ],
    });
    const rules = folder.file("rules");
    mkdirSync(rules);
    writeFileSync(join(rules, "rules.yaml"), RULES);
    const start = (app: string, address: string, ...more: string[]): Child => {
      const main = join(import.meta.dirname, `../../apps/${app}/src/main.ts`);
      const flags = [`--configStoreURL=fs://${rules}`, "--address", `${address}:9091`, "--secureAddr", "", ...more];
      const monitoring = ["--monitoringAddress", address];
      return startChild(...lab.namespace.command(process.execPath, [main, ...flags, ...monitoring]));
    };
    policy = start("mixer-policy", POLICY);
    telemetry = start("mixer-telemetry", TELEMETRY, "--prometheusAddr", "");
    for (const [address, child] of [
      [POLICY, policy],
      [TELEMETRY, telemetry],
    ] as const)
      await waitFor("Mixer is ready", 30_000, async () => {
        assert.ok(!child.exited, child.output());
        return (await lab.http({ at: `${address}:15014`, url: `http://${address}:15014/readyz` })).status === 200;
      });
    const secure = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/default"] });
    const way = { to: "web", url: "http://web:9080/" };
    open.websocket = await lab.stream(way);
    open.stream = await lab.stream({ ...way, version: "2" });
    open.secure = await lab.stream({ ...way, tls: { ...secure, alpn: ["istio-http/1.1"] } });
    open.outbound = await lab.stream({ through: "web", url: "http://other:9080/" });
    kept = await lab.keepAlive(way);
    await everybodyAnswers();
  });
  after(async () => {
    await lab?.close();
    await policy?.stop();
    await telemetry?.stop();
    folder.remove();
  });

  it("holds for the next request of a connection that was open before, and cuts none", async () => {
    assert.equal(await blocked(), 200, "nobody is asked before there is a rule");
    await lab.apply(RULES);
    assert.equal(await blocked(), 403, "the first request after the first rule is checked");
    assert.equal((await kept.request({ headers: { "x-note": "seen" } })).status, 200);
    await lab.http({ through: "web", url: "http://other:9080/", headers: { "x-note": "leaving" } });
    await waitFor("both are reported, with the headers that the rule reads", 15_000, () => {
      const lines = telemetry.output().split("\n");
      const has = (...parts: string[]): boolean => lines.some((line) => parts.every((part) => line.includes(part)));
      return (
        has('"note":"seen"', '"answered":"web"', '"side":"inbound"') &&
        has('"note":"leaving"', '"answered":"other"', '"side":"outbound"')
      );
    });
    await lab.remove(RULES);
    assert.equal(await blocked(), 200, "the first request after the last rule is not checked");
    assert.equal((await kept.request({ headers: { "x-note": "unseen" } })).status, 200);
    await lab.apply(RULES);
    assert.equal(await blocked(), 403);
    assert.equal((await kept.request({ headers: { "x-note": "again" } })).status, 200);
    await waitFor("it is reported again", 15_000, () => telemetry.output().includes('"note":"again"'));
    assert.ok(!telemetry.output().includes('"note":"unseen"'), "nothing is reported without a rule");
    await drained(7777, ports("STRICT", "PERMISSIVE"));
    await everybodyAnswers();
  });

  it("of the mesh configuration, too", async () => {
    const mesh = (spec: string): string =>
      `{apiVersion: mesh.xebec.io/v1, kind: MeshConfig, metadata: {name: mesh, namespace: istio-system}, spec: ${spec}}`;
    await lab.apply(mesh("{disablePolicyChecks: true, disableReports: true, policyCheckFailOpen: true}"));
    assert.equal(await blocked(), 200);
    await lab.remove(mesh("{}"));
    assert.equal(await blocked(), 403);
    await drained(7778, ports("STRICT", "STRICT"));
    await everybodyAnswers();
  });

  it("of mutual TLS cuts the connections that are not taken any more, and no others", async () => {
    await lab.apply(peers("own", "{mtls: {mode: STRICT}}"));
    for (const name of ["websocket", "stream"])
      await waitFor(`${name} is cut`, 15_000, () => (open[name] as Stream).closed());
    await everybodyAnswers(["secure", "outbound"]);
    await lab.remove(peers("own", "{mtls: {mode: STRICT}}"));
    await everybodyAnswers(["secure", "outbound"]);
  });
});
