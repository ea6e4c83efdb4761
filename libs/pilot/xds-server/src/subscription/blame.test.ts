import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResourcePart } from "@xebec/pilot-xds-gen";
import { type Blamable, blamedKeys } from "./blame.ts";

const chain = (name: string, version: string): ResourcePart => ({
  ...{ kind: "filterChain", name, version, configKeys: [`key-${name}`] },
});
const host = (name: string, routes: readonly string[]): ResourcePart => ({
  ...{
    kind: "virtualHost",
    name,
    version: routes.join(),
    configKeys: [`key-${name}`, ...routes.map((each) => `key-${each}`)],
  },
  parts: routes.map((each) => ({ kind: "route", name: "", version: each, configKeys: [`key-${each}`] })),
});
const resource = (...parts: readonly ResourcePart[]): Blamable => ({
  configKeys: ["own", ...parts.flatMap((each) => each.configKeys)],
  parts,
});

describe("who is blamed for what a client rejects", () => {
  const accepted = resource(chain("a", "1"), chain("b", "1"), chain("c", "1"));
  const changed = resource(chain("a", "2"), chain("b", "1"), chain("c", "2"));

  for (const [message, keys] of [
    ["no", ["key-a", "key-c"]],
    ["filter chain 'c': no", ["key-c"]],
    ["filter chain 'b': no", ["key-a", "key-c"]],
    ["ListenerValidationError.FilterChains[2]: embedded message failed validation", ["key-c"]],
    ["ListenerValidationError.FilterChains[1]: embedded message failed validation", ["key-a", "key-c"]],
  ] as const)
    it(`the parts that changed, narrowed by the message: ${message}`, () =>
      assert.deepEqual(blamedKeys(accepted, changed, message), keys));

  it("the routes of a virtual host that changed, and no other", () => {
    const before = resource(host("h", ["r1", "r2", "r3"]), host("i", ["r4"]));
    const after = resource(host("h", ["r1", "r5", "r3", "r6"]), host("i", ["r4"]));
    assert.deepEqual(blamedKeys(before, after, "no"), ["key-r5", "key-r6"]);
    const message =
      "VirtualHosts[0]: embedded message failed validation | caused by VirtualHostValidationError.Routes[3]: no";
    assert.deepEqual(blamedKeys(before, after, message), ["key-r6"]);
  });

  it("the whole virtual host when its routes are the same", () => {
    const moved: ResourcePart = { ...host("h", ["r1"]), version: "other domains" };
    assert.deepEqual(blamedKeys(resource(host("h", ["r1"])), resource(moved), "no"), ["key-h", "key-r1"]);
  });

  it("everything of a resource whose parts are the same, or that has none", () => {
    assert.deepEqual(blamedKeys(accepted, { ...accepted, configKeys: ["all"] }, "no"), ["all"]);
    assert.deepEqual(blamedKeys(undefined, { configKeys: ["all"] }, "no"), ["all"]);
  });

  it("all parts of a resource that is new, if the message does not say more", () => {
    assert.deepEqual(blamedKeys(undefined, changed, "no"), ["key-a", "key-b", "key-c"]);
    assert.deepEqual(blamedKeys(undefined, changed, "filter chain b"), ["key-b"]);
  });
});
