import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CitadelConfig } from "@xebec/citadel-server";
import { type ConfigSpec, configArguments, loadConfig } from "@xebec/core-config";
import { GalleyConfig } from "@xebec/galley-server";
import { InjectorConfig } from "@xebec/injector-server";
import { IstiodConfig } from "@xebec/istiod/config";
import { PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import { PilotConfig } from "@xebec/pilot-xds-server";
import { addressPlan, SERVICES, type ServiceHost, type ServiceName } from "@xebec/platform-local";
import { serviceOptions } from "./service-options.ts";

const SPECS: Readonly<Record<ServiceName, ConfigSpec>> = {
  galley: GalleyConfig,
  pilot: PilotConfig,
  citadel: CitadelConfig,
  "sidecar-injector": InjectorConfig,
  "mixer-policy": PolicyConfig,
  "mixer-telemetry": TelemetryConfig,
};
const HOST: ServiceHost = {
  ...{
    plan: addressPlan(20),
    root: "/root",
    runDir: "/run dir",
    runId: "1",
    adapters: [],
    replicas: {},
    busAddresses: {},
    configDir: import.meta.dirname,
  },
  ...{ natsServer: "/nats", baseEnv: {} },
  busKeys: {
    seedFile: (user) => `/run dir/bus/${user}.seed`,
    publicKeysFile: "/run dir/bus/keys.json",
    caFile: "/run dir/nats/tls/ca.pem",
  },
};

describe("a service of a mesh on this machine", () => {
  const read = (spec: ConfigSpec, options: Readonly<Record<string, unknown>>): void => {
    const { config } = loadConfig(spec, configArguments(options), {});
    for (const [name, value] of Object.entries(options)) assert.deepEqual(config[name], value, name);
  };
  for (const service of SERVICES)
    it(`reads every option that it is given: ${service}`, () =>
      read(SPECS[service], serviceOptions.service(HOST, service, 1)));

  it("reads every option that it is given: istiod", () => read(IstiodConfig, serviceOptions.monolith(HOST, 1)));

  it("has an address of its own, and the bus, and an identity where it needs one", () => {
    const { busURL, caTokenFile, grpcAddr } = serviceOptions.service(HOST, "pilot", 1);
    assert.deepEqual(
      [busURL, caTokenFile, grpcAddr],
      [["nats://127.20.0.2:4222"], "/run dir/tokens/pilot.jwt", `${HOST.plan.service("pilot")}:15010`],
    );
    assert.equal(serviceOptions.service(HOST, "citadel", 1).caAddr, undefined);
  });
});
