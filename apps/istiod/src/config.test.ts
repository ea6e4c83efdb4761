import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { IstiodConfig, serviceConfigs } from "./config.ts";

const PATHS = { stateDir: "state", tokenFile: "token", rootFile: "root" };
const configs = (argv: readonly string[], env: Record<string, string> = {}) =>
  serviceConfigs(loadConfig(IstiodConfig, argv, env).config, PATHS);

describe("the configuration of istiod's services", () => {
  for (const PILOT_HTTP10 of ["true", "false"])
    it(`hands PILOT_HTTP10=${PILOT_HTTP10} on to pilot`, () =>
      assert.equal(String(configs([], { PILOT_HTTP10 }).pilot.http10), PILOT_HTTP10));

  it("gives services that share an address monitoring ports of their own", () => {
    const { pilot, galley, citadel, injector, policy, telemetry } = configs([]);
    const shared = [galley, injector, policy].map((each) => each.monitoringPort);
    const ports = [Number(pilot.monitoringAddr.split(":")[1]), ...shared, citadel["monitoring-port"]];
    assert.equal(new Set(ports).size, ports.length);
    assert.deepEqual([telemetry.monitoringAddress, telemetry.monitoringPort], ["127.0.0.2", 15_014]);
  });

  it("takes everything else from istiod's own flags, and is checked like a service's own", () => {
    const { pilot, policy } = configs([
      ...["--trust-domain", "td", "--domain", "d", "--busURL", "nats://127.0.0.1:4222", "--handlerDirs", "/a,/b"],
    ]);
    assert.deepEqual(
      [pilot.domain, pilot["trust-domain"], pilot.registries, policy["trust-domain"], policy.handlerDirs],
      ["d", "td", ["Bus"], "td", ["/a", "/b"]],
    );
    assert.throws(
      () => configs(["--handlerDirs", "relative"]),
      /mixer-policy: "handlerDirs": "relative" is not an absolute path/,
    );
    assert.throws(() => configs(["--pilotAddress", "a:b"]), /pilot: "grpcAddr": "a:b:15010" is not an address/);
  });
});
