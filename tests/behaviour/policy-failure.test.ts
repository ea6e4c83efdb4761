import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import { type Lab, openLab } from "./lab/lab.ts";

const POLICY = "10.9.0.1";
/** Services by what the handlers of the rules for them declare. */
const SERVICES = ["open", "closed", "both", "unsaid"] as const;

const handler = (name: string, failure?: string): string => `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: ${name}, namespace: default${failure ? `, annotations: {mixer.xebec.io/failure: ${failure}}` : ""}}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: refused}}}
---`;
/** A rule that reads the caller's labels needs mixer-policy; it holds for what the test's own caller asks with a header. */
const rule = (service: string, name: string): string => `
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: ${service}-${name}, namespace: default}
spec:
  match: destination.service.name == "${service}" && ((request.headers["x-no"] | "") == "${name}" || source.ip == ip("10.1.0.8") || (source.labels["app"] | "") == "nobody")
  actions: [{handler: ${name}, instances: [nothing]}]
---`;
const RULES = `${handler("open", "open")}${handler("closed", "closed")}${handler("unsaid")}
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: nothing, namespace: default}
spec: {compiledTemplate: checknothing}
---${rule("open", "open")}${rule("closed", "closed")}${rule("both", "open")}${rule("both", "closed")}${rule("unsaid", "unsaid")}`;
const OPEN_MESH =
  "{apiVersion: mesh.xebec.io/v1, kind: MeshConfig, metadata: {name: mesh, namespace: istio-system}, spec: {policyCheckFailOpen: true}}";

describe("a request that no mixer-policy answers", () => {
  const folder = tempDir();
  let lab: Lab;
  let policy: Child;
  const at = (i: number): string => `10.1.1.${i + 1}`;
  const status = async (to: string, headers: Record<string, string> = {}): Promise<number> =>
    (await lab.http({ to, url: "http://web:9080/", headers })).status;
  /** What a server of bytes says, `""` for a connection that is closed. */
  const say = async (to: string, from = "10.1.0.7"): Promise<string> =>
    (await lab.tcp({ to, from, source: from, port: 7777, send: "hello" })).text;
  const everywhere = async <T>(ask: (to: string) => Promise<T>): Promise<Record<string, T>> =>
    Object.fromEntries(await Promise.all(SERVICES.map(async (name) => [name, await ask(name)] as const)));
  const speaks = (to: string) => say(to).then((found) => found !== "");

  before(async () => {
    lab = await openLab({
      proxies: Object.fromEntries(
        SERVICES.map((name, i) => [name, { kind: "captured", ip: at(i), labels: { app: name } }] as const),
      ),
      services: [
        ...SERVICES.map((name, i) => ({
          ...{ name, address: `10.96.0.${i + 1}`, ports: { http: 9080, tcp: 7777 } },
          pods: [{ name: `${name}-1`, ip: at(i), labels: { app: name }, sidecar: true }],
        })),
        {
          ...{ name: "istio-policy", namespace: "istio-system", address: "10.96.0.9", ports: { "grpc-mixer": 9091 } },
          pods: [{ name: "istio-policy-1", ip: POLICY, sidecar: true }],
        },
      ],
      objects: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: mixer, namespace: istio-system}
spec: {host: "*.istio-system.svc.cluster.local", trafficPolicy: {tls: {mode: DISABLE}}}
---${RULES}`,
      upstreams: SERVICES.flatMap((name, i) => [
        { name, at: `${at(i)}:9080` },
        { name: `${name}-bytes`, at: `${at(i)}:7777` },
      ]),
    });
    const rules = folder.file("rules");
    mkdirSync(rules);
    writeFileSync(join(rules, "rules.yaml"), RULES);
    const main = join(import.meta.dirname, "../../apps/mixer-policy/src/main.ts");
    const addresses = ["--address", `${POLICY}:9091`, "--secureAddr", "", "--monitoringAddress", POLICY];
    policy = startChild(
      ...lab.namespace.command(process.execPath, [main, `--configStoreURL=fs://${rules}`, ...addresses]),
    );
    await waitFor("Mixer is ready", 30_000, async () => {
      assert.ok(!policy.exited, policy.output());
      return (await lab.http({ at: `${POLICY}:15014`, url: `http://${POLICY}:15014/readyz` })).status === 200;
    });
  });
  after(async () => {
    await lab?.close();
    await policy?.stop();
    folder.remove();
  });

  it("is decided by the rules while there is one", async () => {
    assert.deepEqual(await everywhere((to) => status(to)), { open: 200, closed: 200, both: 200, unsaid: 200 });
    assert.equal(await status("open", { "x-no": "open" }), 403);
    assert.equal(await status("both", { "x-no": "closed" }), 403);
    assert.deepEqual(await everywhere(speaks), { open: true, closed: true, both: true, unsaid: true });
    assert.equal(await say("open", "10.1.0.8"), "");
  });

  it("passes where all handlers declare open, and nowhere else", async () => {
    await policy.stop("SIGKILL");
    const [requests, connections] = await Promise.all([everywhere((to) => status(to)), everywhere(speaks)]);
    assert.deepEqual(requests, { open: 200, closed: 503, both: 503, unsaid: 503 });
    assert.deepEqual(connections, { open: true, closed: false, both: false, unsaid: false });
  });

  it("passes in a mesh that fails open where no handler declares closed", async () =>
    lab.during(OPEN_MESH, async () => {
      const [requests, connections] = await Promise.all([everywhere((to) => status(to)), everywhere(speaks)]);
      assert.deepEqual(requests, { open: 200, closed: 503, both: 503, unsaid: 200 });
      assert.deepEqual(connections, { open: true, closed: false, both: false, unsaid: true });
    }));
});
