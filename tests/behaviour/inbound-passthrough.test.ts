// Ports of a workload that no service has: scrapers call them, and so does whoever knows the pod.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { object, PROXIES } from "./lab/cases.ts";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";

const AT = "10.1.0.30";
const OWN = { matchLabels: { app: "own" } };
const METRICS = object("AuthorizationPolicy", "metrics", {
  selector: OWN,
  rules: [{ to: [{ operation: { methods: ["GET"], paths: ["/metrics"] } }] }],
});

describe("a port that no service has, behind a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      secrets: [],
      proxies: {
        client: PROXIES.client as never,
        server: { kind: "captured", ip: AT, labels: { app: "own" } },
      },
      services: [{ ...host("own"), pods: [{ name: "own", ip: AT, sidecar: true }] }],
      upstreams: [
        { name: "own", at: `${AT}:9090` },
        { name: "greeting", at: `${AT}:9091`, greets: true },
      ],
    });
  });
  after(() => lab?.close());
  const get = (path: string, more: Partial<HttpCall> = {}) =>
    lab.http({ to: "server", url: `http://${AT}:9090${path}`, ...more });

  it("takes HTTP for HTTP, and bytes for bytes; a server may speak first", async () => {
    const answer = await get("/");
    assert.deepEqual([answer.status, answer.by, answer.headers.server], [200, "own", "istio-envoy"]);
    assert.equal((await get("/", { version: "2" })).by, "own");
    assert.equal((await lab.tcp({ to: "server", port: 9090 })).by, "own");
    assert.equal((await lab.tcp({ to: "server", port: 9091, send: "" })).by, "greeting");
  });

  it("is authorized by methods and paths, and carries no bytes where a policy asks for them", () =>
    lab.during([METRICS], async () => {
      assert.equal((await get("/metrics")).status, 200);
      assert.equal((await get("/other")).status, 403);
      assert.equal((await get("/metrics", { method: "POST" })).status, 403);
      assert.equal((await lab.tcp({ to: "server", port: 9090 })).by, "");
    }));

  it("is called in plaintext where its policy lets it, also by its number", () => {
    const strict = object("PeerAuthentication", "own", {
      ...{ selector: OWN, mtls: { mode: "STRICT" } },
      portLevelMtls: { 9091: { mode: "DISABLE" } },
    });
    return lab.during([strict], async () => {
      assert.equal((await get("/")).status, 0);
      assert.equal((await lab.tcp({ to: "server", port: 9090 })).by, "");
      assert.equal((await lab.tcp({ to: "server", port: 9091, send: "" })).by, "greeting");
    });
  });
});
