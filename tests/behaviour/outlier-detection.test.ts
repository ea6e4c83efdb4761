import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Lab, openLab } from "./lab/lab.ts";
import { host, type LabService } from "./lab/mesh.ts";
import { object, policy } from "./objects.ts";

/** Two pods one after the other, so that a test knows whose turn it is. Ejections last unless a case says otherwise. */
const detection = (outlierDetection: object) => ({
  loadBalancer: { simple: "ROUND_ROBIN" },
  outlierDetection: { interval: "0.1s", baseEjectionTime: "300s", maxEjectionPercent: 100, ...outlierDetection },
});

const POLICIES: Readonly<Record<string, object>> = {
  "any-5xx": detection({ consecutive5xxErrors: 2 }),
  "no-5xx": detection({ consecutive5xxErrors: 0 }),
  gateway: detection({ consecutive5xxErrors: 0, consecutiveGatewayErrors: 2 }),
  old: detection({ consecutiveErrors: 2 }),
  local: detection({
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailures: 2,
    consecutive5xxErrors: 3,
  }),
  rate: detection({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 100_000, interval: "2s" }),
  percent: detection({ consecutive5xxErrors: 1, maxEjectionPercent: 10 }),
  all: detection({ consecutive5xxErrors: 1 }),
  panic: detection({ consecutive5xxErrors: 1, minHealthPercent: 60 }),
  back: detection({ consecutive5xxErrors: 1, baseEjectionTime: "0.3s" }),
  late: detection({ consecutive5xxErrors: 1, baseEjectionTime: "0.3s", interval: "300s" }),
  none: { loadBalancer: { simple: "ROUND_ROBIN" } },
};

describe("a real Envoy ejects pods as outlierDetection says", () => {
  let lab: Lab;
  let services: LabService[] = [];
  before(async () => {
    const many = ["v1", "v2", "v3", "v4", "v5"].map((each, i) => ({ name: `rate-${each}`, ip: `10.48.0.${i + 1}` }));
    services = Object.keys(POLICIES).map((name) => host(name, name === "rate" ? { pods: many } : {}));
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services,
      objects: Object.entries(POLICIES).flatMap(([name, each]) => [
        policy(name, each),
        // Without retries a test knows which pod a request met.
        object("VirtualService", name, {
          hosts: [name],
          http: [{ route: [{ destination: { host: name } }], retries: { attempts: 0 } }],
        }),
      ]),
    });
  });
  after(() => lab.close());

  const get = (name: string, what?: string) =>
    lab.http({ through: "client", url: `http://${name}/`, ...(what ? { do: what } : {}) });
  /** Whoever fails is ejected by the main thread: what happens there has come back to the worker then. */
  const settled = async () => lab.envoys.get("client")?.settled();
  /** The pods that answer now; a status where the proxy answers itself. */
  const serving = async (name: string): Promise<string> => {
    await settled();
    const found = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const { by, status } = await get(name);
      found.add(by ? by.slice(-2) : String(status));
    }
    return [...found].sort().join(" ");
  };
  /** Makes one pod fail some requests in a row; the other one answers well. @returns the pod that fails */
  const fail = async (name: string, status: string, times: number): Promise<string> => {
    const { by } = await get(name);
    const victim = by.endsWith("v1") ? "v2" : "v1";
    for (let i = 0; i < times; i++) {
      assert.equal((await get(name, status)).by, `${name}-${victim}`);
      if (i < times - 1) await get(name);
    }
    return victim;
  };
  const other = (pod: string): string => (pod === "v1" ? "v2" : "v1");

  it("without it nobody is ejected", async () => {
    await fail("none", "500", 6);
    assert.equal(await serving("none"), "v1 v2");
  });

  it("consecutive5xxErrors: as many as that, and no less", async () => {
    await fail("any-5xx", "500", 1);
    assert.equal(await serving("any-5xx"), "v1 v2");
    assert.equal(other(await fail("any-5xx", "500", 2)), await serving("any-5xx"));
  });

  it("consecutive5xxErrors: zero switches it off", async () => {
    await fail("no-5xx", "500", 6);
    assert.equal(await serving("no-5xx"), "v1 v2");
  });

  it("consecutiveGatewayErrors: of a gateway's statuses only", async () => {
    await fail("gateway", "500", 4);
    assert.equal(await serving("gateway"), "v1 v2");
    assert.equal(other(await fail("gateway", "503", 2)), await serving("gateway"));
  });

  it("consecutiveErrors: the old name of the same", async () => {
    await fail("old", "500", 6);
    assert.equal(await serving("old"), "v1 v2");
    assert.equal(other(await fail("old", "502", 2)), await serving("old"));
  });

  it("splitExternalLocalOriginErrors, consecutiveLocalOriginFailures: connections that fail count by themselves", async () => {
    const victim = await fail("local", "500", 2);
    assert.equal(await serving("local"), "v1 v2");
    const at = `${services.find(({ name }) => name === "local")?.pods.find(({ name }) => name.endsWith(victim))?.ip}:80`;
    await lab.unserve(at);
    const failed = [];
    for (let i = 0; i < 8; i++) {
      failed.push((await get("local")).status);
      await settled();
    }
    assert.equal(failed.filter((status) => status === 503).length, 2, failed.join());
    assert.equal(await serving("local"), other(victim));
  });

  it("splitExternalLocalOriginErrors: nobody is ejected for being worse than the others", async () => {
    await lab.unserve("10.48.0.1:80");
    const stat = async (what: string): Promise<number> => {
      const text = (await lab.envoys.get("client")?.admin(`/stats?filter=.80..rate.*${what}`)) ?? "";
      return Number(text.trim().split(": ").at(-1));
    };
    // Envoy compares pods that got a hundred requests each within an interval.
    await waitFor("the pods are compared", 15_000, async () => {
      for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 10 }, () => get("rate")));
      return (await stat("ejections_detected_local_origin_success_rate")) > 0;
    });
    assert.equal(await stat("ejections_enforced_local_origin_success_rate"), 0);
  });

  it("maxEjectionPercent: of two pods none may go, or both", async () => {
    for (const name of ["percent", "all"]) {
      await fail(name, "500", 1);
      await settled();
      await get(name, "500");
    }
    assert.equal(await serving("percent"), "v1 v2");
    // Envoy takes its time for the second of two changes of a cluster's health.
    await waitFor("nobody is left", 5_000, async () => (await serving("all")) === "503");
  });

  it("minHealthPercent: with less, ejected pods are called too", async () => {
    await fail("panic", "500", 1);
    assert.equal(await serving("panic"), "v1 v2");
  });

  it("baseEjectionTime: a pod comes back; interval: when that is looked at", async () => {
    for (const name of ["back", "late"]) assert.equal(other(await fail(name, "500", 1)), await serving(name));
    await waitFor("it comes back", 5_000, async () => (await serving("back")) === "v1 v2");
    assert.match(await serving("late"), /^v.$/);
  });
});
