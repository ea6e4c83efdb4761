import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCESS, BUS_USERS } from "@xebec/model-bus";
import type { Holdings } from "./holdings.ts";
import { trustTables } from "./trust.ts";

const holding = (ports: readonly string[], credentials: readonly string[] = []): Holdings => ({ ports, credentials });
const SHAPES = {
  services: {
    pilot: holding(["8080", "15010", "15012"]),
    citadel: holding(["8060"], ["state/citadel/ca-key.pem (private key)"]),
    "mixer-policy": holding(["9091"]),
    "mixer-telemetry": holding(["9091", "42422"]),
    "sidecar-injector": holding([]),
    nats: holding(["4222"], ["nats/key.pem (private key)"]),
  },
  monolith: {
    istiod: holding(["8060", "9091", "15012"], ["state/citadel/ca-key.pem (private key)"]),
    nats: holding([]),
  },
};

describe("what somebody could do who has taken over one process", () => {
  const matrix = trustTables(SHAPES).find((each) => each.matrix)?.matrix;
  const could = (label: string): string[] => {
    const row = matrix?.rows.find((each) => each.label === label);
    return matrix?.columns.filter((_, i) => row?.has[i]) ?? [];
  };

  it("follows from buckets, ports and keys", () => {
    assert.deepEqual(could("citadel (services)"), ["become any workload"]);
    assert.deepEqual(could("pilot (services)"), [
      "lead requests elsewhere",
      "read gateways' keys",
      "feign that objects are in effect",
    ]);
    assert.ok(could("mixer-policy (services)").includes("let through what policy denies"));
    assert.ok(!could("mixer-telemetry (services)").includes("let through what policy denies"));
    // It serves nobody in this run.
    assert.deepEqual(could("sidecar-injector (services)"), []);
  });

  it("of the bus' server: everything on it but what is signed", () => {
    assert.ok(could("nats (services)").includes("change configuration"));
    assert.ok(!could("nats (services)").includes("become any workload"));
    assert.ok(!could("nats (monolith)").includes("change configuration"));
  });

  it("says nothing of processes when none ran, and has the rights of each user of the bus", () => {
    const [bus, ...others] = trustTables({});
    assert.deepEqual(others, []);
    assert.equal(bus?.rows.length, BUS_USERS.length + 1);
    assert.equal(bus?.rows.find(([name]) => name === "citadel")?.[1], ACCESS.citadel.write.join(", "));
  });
});
