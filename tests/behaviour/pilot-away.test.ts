import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import type { Connection } from "./lab/calls.ts";
import { LabEnvoy } from "./lab/envoy.ts";
import { HTTP_PROXY_PORT, type LabProxy, nodeOf } from "./lab/mesh.ts";
import { type Namespace, openNamespace } from "./lab/namespace.ts";

const HOST = "svc.example.com";
const PILOT = "127.0.0.1:15010";
const GATEWAY_PORT = 8080;
/** So many other services: a change must find its way through a configuration of some size. */
const OTHERS = 60;

const labels = { istio: "ingressgateway" };
/** Each as a sidecar and as a gateway, in both forms of xDS. */
const PROXIES: Record<string, LabProxy & { readonly delta: boolean }> = {
  "sidecar-sotw": { kind: "explicit", ip: "127.20.1.1", app: "127.20.2.1", delta: false },
  "sidecar-delta": { kind: "explicit", ip: "127.20.1.2", app: "127.20.2.2", delta: true },
  "gateway-sotw": { kind: "gateway", ip: "127.20.1.3", labels, delta: false },
  "gateway-delta": { kind: "gateway", ip: "127.20.1.4", labels, delta: true },
};

/** Everything that leads to the service by a subset of this name. */
const objects = (subset: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: dr, namespace: default}
spec:
  host: ${HOST}
  subsets: [{name: ${subset}, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs, namespace: default}
spec:
  hosts: [${HOST}]
  gateways: [mesh, gw]
  http: [{route: [{destination: {host: ${HOST}, subset: ${subset}}}]}]
`;
const entry = (name: string, host: string, address: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: default}
spec:
  hosts: [${host}]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: ${address}, ports: {http: 8000}, labels: {version: v1}}]
`;
const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: ${GATEWAY_PORT}, name: http, protocol: HTTP}, hosts: ["*"]}]
`;

describe("a subset that is renamed while pilot is away fails no request", () => {
  const folder = tempDir();
  const dir = folder.file("config");
  let namespace: Namespace;
  let pilot: Child;
  let current = "first";
  const envoys = new Map<string, LabEnvoy>();

  const save = (name: string, text: string): void => {
    writeFileSync(join(dir, `.${name}`), text);
    renameSync(join(dir, `.${name}`), join(dir, name));
  };
  const startPilot = (): void => {
    const flags = [
      ...["--configDir", dir, "--grpcAddr", PILOT, "--secureGrpcAddr", "", "--httpAddr", "127.0.0.1:15080"],
      ...["--monitoringAddr", "127.0.0.1:15014", "--stateDir", folder.file("state")],
    ];
    const main = join(import.meta.dirname, "../../apps/pilot/src/main.ts");
    pilot = startChild(...namespace.command(process.execPath, [main, ...flags]));
  };
  /** Waits until every proxy has nothing but the routes and clusters of this subset. */
  const arrived = (subset: string, gone: string): Promise<unknown> =>
    waitFor(`every proxy leads to the subset ${subset}`, 60_000, async () => {
      for (const envoy of envoys.values()) {
        assert.ok(!envoy.exited, envoy.output());
        const dump = await envoy.admin("/config_dump");
        if (!dump.includes(`outbound|80|${subset}|`) || dump.includes(`outbound|80|${gone}|`)) return false;
      }
      return true;
    });
  const wayOf = (name: string): [Connection, string] => {
    const { kind, ip } = PROXIES[name] as LabProxy;
    return kind === "gateway"
      ? [{ at: `${ip}:${GATEWAY_PORT}` }, "/"]
      : [{ at: `${ip}:${HTTP_PROXY_PORT}` }, `http://${HOST}/`];
  };
  /** Renames the subset in the middle of a load on every proxy, and does something around it. */
  const renameDuring = async (next: string, away: () => Promise<void>, back: () => void): Promise<void> => {
    const loads = new Map<string, string>();
    for (const name of Object.keys(PROXIES)) {
      const [connection, target] = wayOf(name);
      const request = { method: "GET", target, authority: HOST, headers: {}, body: "", timeoutMs: 10_000 };
      loads.set(name, await namespace.do("startLoad", connection, { ...request, version: "1.1" }));
    }
    await away();
    save("rename.yaml", objects(next));
    back();
    await arrived(next, current);
    current = next;
    for (const [name, id] of loads) {
      const { requests, failures } = await namespace.do("endLoad", id);
      assert.deepEqual([name, failures], [name, []]);
      assert.ok(requests > 0);
    }
  };

  before(async () => {
    namespace = await openNamespace();
    await namespace.do("serve", { name: "svc", at: "10.1.0.1:8000" });
    mkdirSync(dir);
    save("entry.yaml", entry("svc", HOST, "10.1.0.1"));
    save(
      "others.yaml",
      Array.from({ length: OTHERS }, (_, i) => entry(`o-${i}`, `o-${i}.example.com`, "10.1.0.2")).join("---"),
    );
    save("gateway.yaml", GATEWAY);
    save("rename.yaml", objects(current));
    startPilot();
    for (const [name, proxy] of Object.entries(PROXIES))
      envoys.set(
        name,
        new LabEnvoy(name, nodeOf(name, proxy), PILOT, folder.path, namespace, "127.0.0.1:53", { delta: proxy.delta }),
      );
    await arrived(current, "none");
    for (const each of envoys.values()) await each.settled();
  });
  after(async () => {
    for (const each of envoys.values()) await each.stop();
    await pilot?.stop("SIGKILL");
    await namespace?.close();
    folder.remove();
  });

  it("killed and started again", async () => {
    // A restarted pilot knows what proxies came back with from its last known good state (docs/roadmap.md says what it cannot know).
    await waitFor("the last known good state is written", 10_000, () => {
      const file = join(folder.file("state"), "config.cache");
      return existsSync(file) && readFileSync(file).includes(`"${current}"`);
    });
    await renameDuring(
      "second",
      () => pilot.stop("SIGKILL"),
      () => startPilot(),
    );
  });

  it("stopped for a while, and its streams with it", () =>
    renameDuring(
      "third",
      async () => void process.kill(pilot.pid, "SIGSTOP"),
      () => void process.kill(pilot.pid, "SIGCONT"),
    ));
});
