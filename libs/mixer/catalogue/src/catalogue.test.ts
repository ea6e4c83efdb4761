import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { adapterHost, TEMPLATES } from "@xebec/mixer-sdk";
import { ISTIO_ADAPTERS } from "@xebec/model-mixer";
import { ADAPTERS, loadAdapters } from "./catalogue.ts";

test("the catalogue loads descriptions only: nothing that opens files or sockets", () => {
  // In a process of its own: this one has loaded more.
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    console.log(JSON.stringify(loaded));`;
  const out = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
  const loaded = JSON.parse(out) as string[];
  assert.ok(loaded.some((url) => url.endsWith("/adapters/denier/src/info.ts")));
  const codes = [...ADAPTERS.keys()].map((name) => `/adapters/${name}/src/${name}.ts`);
  const banned = [
    "/libs/platform/",
    "@bufbuild",
    "node:dgram",
    "node:fs",
    "node:http",
    "node:https",
    "node:tls",
    ...codes,
  ];
  assert.deepEqual(
    loaded.filter((url) => banned.some((each) => url.includes(each))),
    [],
  );
});

test("each service loads the adapters of its varieties, which are what the catalogue says", async () => {
  const host = () => adapterHost();
  const names = async (...varieties: Parameters<typeof loadAdapters>[0]): Promise<string[]> => {
    const adapters = await loadAdapters(varieties, host);
    for (const { create, ...info } of adapters) {
      assert.equal(typeof create, "function");
      assert.deepEqual(info, ADAPTERS.get(info.name));
    }
    return adapters.map((each) => each.name);
  };
  const [policy, telemetry] = [await names("check", "quota", "attributes"), await names("report")];
  assert.ok(policy.includes("denier") && telemetry.includes("prometheus"));
  const all = [...ADAPTERS.values()].filter((info) => info.builtIn === undefined).map((info) => info.name);
  assert.deepEqual([...new Set([...policy, ...telemetry])].sort(), all.sort());
});

test("an adapter's name is its key, its templates exist, and Istio's adapters take Istio's templates", () => {
  for (const [name, info] of ADAPTERS) {
    assert.equal(info.name, name);
    for (const template of info.templates) assert.ok(TEMPLATES.has(template), `${name}: ${template}`);
    const istio = ISTIO_ADAPTERS.get(name);
    if (istio) assert.deepEqual([...info.templates].sort(), [...istio].sort(), name);
  }
});
