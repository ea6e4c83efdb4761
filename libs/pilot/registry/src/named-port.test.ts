import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceEntryRegistry } from "./service-entry-registry.ts";

test("a port may have any name, also one that every object of the language has", () => {
  const registry = new ServiceEntryRegistry();
  registry.putConfig("networking.istio.io/ServiceEntry/default/api", {
    ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "default", name: "api" },
    spec: {
      ...{ hosts: ["api.example.com"], resolution: "STATIC", endpoints: [{ address: "10.1.0.1", ports: {} }] },
      ports: [{ number: 80, name: "constructor", protocol: "HTTP" }],
    },
  });
  const [definition] = [...registry.state.services.values()];
  assert.deepEqual(
    definition?.endpoints.map((each) => each.ports),
    [{ constructor: 80 }],
  );
});
