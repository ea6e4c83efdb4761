// Workloads that register themselves: they are in the mesh as long as they are connected.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
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
      },
      upstreams: [{ name: "machine", at: "10.1.0.7:8080" }],
      objects: [
        object("WorkloadGroup", "vms", {
          metadata: { labels: { app: "vms" } },
          template: { ports: { http: 8080 }, locality: "eu/north", weight: 2 },
        }),
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

  it("is gone when its stream has ended", async () => {
    await lab.envoys.get("machine")?.stop();
    await waitFor("it is not called any more", 10_000, async () => (await call()).status === 503);
  });
});
