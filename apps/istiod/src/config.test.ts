import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { IstiodConfig, serviceConfigs } from "./config.ts";

describe("the configuration of istiod's services", () => {
  for (const PILOT_HTTP10 of ["true", "false"])
    it(`hands PILOT_HTTP10=${PILOT_HTTP10} on to pilot`, () => {
      const { config } = loadConfig(IstiodConfig, [], { PILOT_HTTP10 });
      assert.equal(String(serviceConfigs(config, "state", "token", "root").pilot.http10), PILOT_HTTP10);
    });
});
