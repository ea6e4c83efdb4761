// Workloads that register themselves: they are in the mesh as long as they are connected.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createHealthReports, healthChecker, probeWorkload, readinessProbeOf } from "@xebec/platform-envoy/health";
import { type Lab, openLab } from "./lab/lab.ts";
import { entry, object } from "./objects.ts";

const HTTP = { number: 80, name: "http", protocol: "HTTP" };

describe("through a real Envoy, a workload that registers itself", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      secrets: [],
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1" },
        machine: {
          ...{ kind: "captured", ip: "10.1.0.7", labels: { tier: "back" } },
          metadata: { AUTO_REGISTER_GROUP: "vms" },
        },
        probed: { kind: "captured", ip: "10.1.0.8", metadata: { AUTO_REGISTER_GROUP: "probed" } },
        applied: { kind: "captured", ip: "10.1.0.9", metadata: { WORKLOAD_ENTRY: "applied" } },
      },
      upstreams: [
        { name: "machine", at: "10.1.0.7:8080" },
        { name: "probed", at: "10.1.0.8:8080" },
        { name: "applied", at: "10.1.0.9:8080" },
      ],
      objects: [
        object("WorkloadGroup", "vms", {
          metadata: { labels: { app: "vms" } },
          template: { ports: { http: 8080 }, locality: "eu/north", weight: 2 },
        }),
        object("WorkloadGroup", "probed", {
          ...{ metadata: { labels: { app: "probed" } }, template: { ports: { http: 8080 } } },
          probe: { httpGet: { port: 8080 } },
        }),
        object(
          "WorkloadEntry",
          "applied",
          { address: "10.1.0.9", labels: { app: "applied" }, ports: { http: 8080 } },
          { annotations: { "proxy.istio.io/health-checks-enabled": "true" } },
        ),
        entry("applied.example.com", { ports: [HTTP], workloadSelector: { labels: { app: "applied" } } }),
        entry("probed.example.com", { ports: [HTTP], workloadSelector: { labels: { app: "probed" } } }),
        entry("vms.example.com", { ports: [HTTP], workloadSelector: { labels: { app: "vms", tier: "back" } } }),
      ],
    });
  });
  after(() => lab?.close());

  const call = () => lab.http({ through: "client", url: "http://vms.example.com/" });

  it("template and metadata: it is an endpoint with what its group says, and with its own labels and address", async () => {
    await waitFor("it is called", 10_000, async () => (await call()).by === "machine");
    const text = (await lab.envoys.get("client")?.admin("/clusters")) ?? "";
    assert.match(text, /vms\.example\.com::10\.1\.0\.7:8080::region::eu/);
    assert.match(text, /vms\.example\.com::10\.1\.0\.7:8080::weight::2/);
  });

  it("readinessProbe: it is called while its agent's probes succeed", async (context) => {
    let status = 503;
    const app = createServer((request, response) => response.writeHead(request.url === "/ready" ? status : 200).end());
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    context.after(() => app.close());
    const { port } = app.address() as AddressInfo;
    const given = { httpGet: { path: "/ready", port }, timeoutSeconds: 5, failureThreshold: 2 };
    const probe = readinessProbeOf(given);
    assert.ok(probe);
    const { target, node } = lab.agentOf("probed");
    const reports = createHealthReports(target, node);
    let probes = 0;
    const checker = healthChecker({
      probe: { ...probe, periodMs: 10 },
      check: async () => {
        probes++;
        return probeWorkload(probe, "127.0.0.1");
      },
      report: reports.report,
    });
    const probed = () => lab.http({ through: "client", url: "http://probed.example.com/" });
    await checker.start(new AbortController().signal);
    await waitFor("it is probed", 10_000, () => probes > 2);
    await lab.settled();
    assert.equal((await probed()).status, 503);
    status = 200;
    await waitFor("it is called", 10_000, async () => (await probed()).by === "probed");
    status = 500;
    await waitFor("it is not called any more", 10_000, async () => (await probed()).status === 503);
    status = 200;
    await waitFor("it is called again", 10_000, async () => (await probed()).by === "probed");
    await checker.close?.();
    // An agent that ends says so.
    await reports.close?.();
    await waitFor("it is not called at the end", 10_000, async () => (await probed()).status === 503);
  });

  it("health-checks-enabled: a WorkloadEntry that somebody applied is called while its agent reports that it is healthy", async () => {
    const { target, node } = lab.agentOf("applied");
    const call = () => lab.http({ through: "client", url: "http://applied.example.com/" });
    assert.equal((await call()).status, 503);
    assert.match(lab.condition("WorkloadEntry", "applied"), /^NotHealthy: it is not called: .*health-checks-enabled/);
    const reports = createHealthReports(target, node);
    reports.report(undefined);
    await waitFor("it is called", 10_000, async () => (await call()).by === "applied");
    assert.match(lab.condition("WorkloadEntry", "applied"), /^Attached/);
    reports.report("the probe has failed");
    await waitFor("it is not called any more", 10_000, async () => (await call()).status === 503);
    reports.report(undefined);
    await waitFor("it is called again", 10_000, async () => (await call()).by === "applied");
    await reports.close?.();
    await waitFor("it is not called at the end", 10_000, async () => (await call()).status === 503);
  });

  it("is gone when its stream has ended", async () => {
    await lab.envoys.get("machine")?.stop();
    await waitFor("it is not called any more", 10_000, async () => (await call()).status === 503);
  });
});
