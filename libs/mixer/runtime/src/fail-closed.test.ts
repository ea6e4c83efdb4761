import assert from "node:assert/strict";
import { test } from "node:test";
import { defineAdapter, field, message, string } from "@xebec/mixer-sdk";
import { MutableBag } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import { MixerRuntime } from "./runtime.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const lenient = defineAdapter({
  name: "lenient",
  description: "lets everything pass",
  templates: ["checknothing"],
  config: message("Params", { mode: field(string(), "How it starts.") }),
  create: ({ mode = "" }) => {
    if (mode === "broken") throw new Error("no");
    return { check: () => ({ code: 0, message: "", validMs: 1, validUses: 1 }) };
  },
});

const object = (kind: string, name: string, spec: object, annotations: Record<string, string> = {}): Resource => ({
  ...{ group: "config.istio.io", version: "v1alpha2", kind, namespace: "istio-system", name, spec, annotations },
});

async function codeFor(params: object, annotations?: Record<string, string>): Promise<number> {
  const runtime = new MixerRuntime({ adapters: [lenient], varieties: ["check", "quota"], log });
  await runtime.apply([
    object("handler", "h", { compiledAdapter: "lenient", params }, annotations),
    object("checknothing", "n", {}),
    object("rule", "r", { actions: [{ handler: "h", instances: ["n.checknothing"] }] }),
  ]);
  const { snapshot } = runtime;
  assert.ok(snapshot);
  const outcome = await snapshot.check(new MutableBag(snapshot.layout));
  await runtime.close();
  return outcome.code;
}

test("a handler with wrong parameters, or that cannot be started, denies its checks; it may be declared open", async () => {
  assert.equal(await codeFor({}), 0);
  assert.equal(await codeFor({ mod: "x" }), 14);
  assert.equal(await codeFor({ mode: "broken" }), 14);
  assert.equal(await codeFor({ mod: "x" }, { "mixer.xebec.io/failure": "open" }), 0);
});
