import assert from "node:assert/strict";
import { test } from "node:test";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { createAdapter } from "./rbac.ts";

test("a handler takes its parameters, never starts, and says what to write instead", async () => {
  const params = { config_store_url: "k8s://", cache_duration: "30s" };
  await assert.rejects(startHandler(createAdapter(), params), /AuthorizationPolicy/);
});
