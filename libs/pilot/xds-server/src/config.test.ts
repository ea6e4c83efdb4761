import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { checkPilotConfig, connectionAgeMs, PilotConfig } from "./config.ts";

function load(argv: readonly string[]) {
  const { config, ignored } = loadConfig(PilotConfig, argv, {});
  checkPilotConfig(config);
  return { config, ignored };
}

describe("PILOT_HTTP10", () => {
  it("is Istio's name of http10", () => {
    assert.equal(loadConfig(PilotConfig, [], { PILOT_HTTP10: "true" }).config.http10, true);
    assert.equal(loadConfig(PilotConfig, [], {}).config.http10, false);
  });
});

describe("the command line of Istio's pilot-discovery", () => {
  it("starts this pilot as the chart of 1.1 has it", () => {
    const { config, ignored } = load([
      ...["discovery", "--monitoringAddr=:15014", "--log_output_level=default:info", "--domain", "cluster.local"],
      ...["--secureGrpcAddr", "", "--keepaliveMaxServerConnectionAge", "30m"],
    ]);
    assert.deepEqual([config.secureGrpcAddr, connectionAgeMs(config), ignored], ["", 1_800_000, []]);
  });

  it("may use its other names", () => {
    assert.equal(load(["--secureGRPCAddr", ":15011"]).config.secureGrpcAddr, ":15011");
    assert.equal(load(["--secureGRPCAddr=:15011", "-n", "istio-system"]).config.secureGrpcAddr, ":15011");
  });

  it("may have flags that change nothing here, and they are named", () => {
    const { config, ignored } = load([
      ...["--plugins", "authn,mixer", "--log_as_json", "--profile", "--ctrlz_port=9876", "--grpcAddr", ":1"],
    ]);
    assert.deepEqual(ignored, ["--plugins", "--log_as_json", "--profile", "--ctrlz_port"]);
    assert.equal(config.grpcAddr, ":1");
  });

  for (const [argv, message] of [
    [["--registries", "Nonsense"], /--registries: there is no registry Nonsense; write Bus/],
    [["--mcpServerAddrs", "mcp://g:1", "--busURL", "nats://n:1"], /--mcpServerAddrs: with --busURL galley publishes/],
    [["--registries", "Consul"], /--registries: Consul needs --consulserverURL/],
    [["--registries", "Consul", "--consulserverURL", "consul"], /--consulserverURL: "consul" is not a server/],
    [["--registries", "Kubernetes", "--busURL", "nats://n:1"], /--registries: with --busURL galley publishes/],
    [["--registries", "Kubernetes,Bus"], /--registries: Kubernetes and Bus are the same/],
    [["--keepaliveMaxServerConnectionAge", "soon"], /--keepaliveMaxServerConnectionAge: "soon" is not a duration/],
    [["--keepaliveMaxServerConnectionAge", "0s"], /--keepaliveMaxServerConnectionAge: "0s"/],
    [["version"], /"version": not a flag/],
  ] as const)
    it(`must not be ${argv.join(" ")}`, () => assert.throws(() => load(argv), message));

  it("has connections without end when it says nothing else", () => {
    assert.equal(connectionAgeMs(load([]).config), undefined);
    assert.equal(
      connectionAgeMs(load(["--keepaliveMaxServerConnectionAge", "2562047h47m16.854775807s"]).config),
      undefined,
    );
  });
});
