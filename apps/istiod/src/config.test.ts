import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { IstiodConfig, serviceConfigs, splitArguments } from "./config.ts";

const PATHS = { stateDir: "state", tokenFile: "token", rootFile: "root" };
const configs = (argv: readonly string[], env: Record<string, string> = {}) => {
  const { own, ofServices } = splitArguments(argv);
  return serviceConfigs(loadConfig(IstiodConfig, own, env).config, PATHS, ofServices);
};

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

  it("gives every service ports of its own where all share one address, as in a pod", () => {
    const services = ["pilot", "galley", "citadel", "injector", "policy", "telemetry"];
    const { policy, telemetry, pilot } = configs(services.flatMap((each) => [`--${each}Address`, "0.0.0.0"]));
    assert.deepEqual([policy.address, policy.secureAddr], ["0.0.0.0:9091", "0.0.0.0:15004"]);
    assert.deepEqual([telemetry.address, telemetry.secureAddr], ["0.0.0.0:9092", "0.0.0.0:15005"]);
    assert.equal(telemetry.monitoringPort, 15_064);
    assert.equal(pilot.caAddr, "127.0.0.1:8060");
  });

  it("hands flags of one service on to it, which count before its own", () => {
    const { pilot, citadel, telemetry } = configs([
      ...["--http10=false", "--pilot.http10=true", "--pilot.keepaliveMaxServerConnectionAge=30m"],
      ...["--citadel.max-workload-cert-ttl=48h", "--mixer-telemetry.handlerNetworks=10.0.0.0/8,10.1.0.0/16"],
    ]);
    assert.deepEqual([pilot.http10, pilot.keepaliveMaxServerConnectionAge], [true, "30m"]);
    assert.equal(citadel["max-workload-cert-ttl"], "48h");
    assert.deepEqual(telemetry.handlerNetworks, ["10.0.0.0/8", "10.1.0.0/16"]);
    assert.throws(() => configs(["--galley.configPth=/x"]), /galley: --configPth: no such flag/);
    assert.throws(() => configs(["--pilot.keepaliveMaxServerConnectionAge=x"]), /is not a duration/);
  });

  it("knows the control plane's namespace", () => {
    const { pilot, galley, citadel, injector, policy } = configs([], { POD_NAMESPACE: "mesh-system" });
    const found = [pilot.namespace, galley["deployment-namespace"], citadel["citadel-storage-namespace"]];
    assert.deepEqual(
      [...found, injector.namespace, policy.namespace, policy.configDefaultNamespace],
      Array(6).fill("mesh-system"),
    );
  });
});
