import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "../../../..");
const SDK = resolve(import.meta.dirname, "..");

const ADAPTER = `
import { defineAdapter, field, int32, message, RPC } from "@xebec/mixer-sdk";
export default defineAdapter({
  name: "limit",
  description: "lets short values pass",
  templates: ["listentry"],
  config: message("limit.Params", { length: field(int32({ minimum: 1 }), "The longest value.") }),
  defaults: { length: 3 },
  create: ({ length = 3 }) => ({
    check: ({ value }) => {
      const most: number = length;
      // @ts-expect-error: the types are there, and not any
      const wrong: string = length;
      return { code: String(value).length <= most ? RPC.OK : RPC.PERMISSION_DENIED, message: "", validMs: 1, validUses: 1 };
    },
  }),
});
`;
const TEST = `
import assert from "node:assert/strict";
import { test } from "node:test";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import limit from "./adapter.ts";
test("limit", async () => {
  const handler = await startHandler(limit, {});
  assert.equal((await handler.check?.({ name: "i", types: {}, value: "abcd" } as never, "listentry"))?.code, 7);
  assert.match(paramErrors(limit, { length: 0 }).join(), /length/);
});
`;

const SERVED = `
import { serveAdapter, type ServedAdapter } from "@xebec/mixer-sdk/serve";
import limit from "./adapter.ts";
const served: ServedAdapter = await serveAdapter(limit, { address: "127.0.0.1:0" });
console.log("served at", served.port > 0);
await served.close();
`;

/** A test that runs in a process of its own, not as a part of this one. */
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

test("the packed SDK has JavaScript and types, and is all that an adapter in an empty folder needs", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sdk-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = (program: string, args: string[], cwd = folder): string =>
    execFileSync(program, args, { cwd, encoding: "utf8", env });
  const tarball = run(process.execPath, [join(SDK, "scripts/pack.ts"), folder]).trim();
  // What npm install would do, without a registry.
  const target = join(folder, "node_modules/@xebec/mixer-sdk");
  mkdirSync(target, { recursive: true });
  run("tar", ["xzf", tarball, "--strip-components=1", "-C", target]);
  const manifest = JSON.parse(readFileSync(join(target, "package.json"), "utf8"));
  assert.deepEqual(Object.keys(manifest.dependencies), ["typebox"]);
  assert.match(manifest.version, /^\d+\.\d+\.\d+$/);
  assert.ok(existsSync(join(target, "README.md")));
  cpSync(join(ROOT, "node_modules/typebox"), join(folder, "node_modules/typebox"), { recursive: true });
  mkdirSync(join(folder, "node_modules/@types"));
  symlinkSync(join(ROOT, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));

  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "adapter.ts"), ADAPTER);
  writeFileSync(join(folder, "adapter.test.ts"), TEST);
  writeFileSync(join(folder, "served.ts"), SERVED);
  const strict = ["--strict", "--noEmit", "--module", "nodenext", "--allowImportingTsExtensions", "--types", "node"];
  run(join(ROOT, "node_modules/.bin/tsc"), [...strict, "adapter.ts", "adapter.test.ts", "served.ts"]);
  assert.match(run(process.execPath, ["adapter.test.ts"]), /pass 1/);
  assert.match(run(process.execPath, ["served.ts"]), /served at true/);
});
