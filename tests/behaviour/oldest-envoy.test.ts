// The oldest Envoy that is supported accepts what pilot generates, and does what it says.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { OLDEST_ENVOY } from "@xebec/pilot-xds-gen";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

describe("the oldest Envoy", () => {
  let envoy = "";
  before(async () => {
    const { oldestEnvoy } = (await import(pathToFileURL(join(ROOT, "scripts/setup.mjs")).href)) as {
      oldestEnvoy(): Promise<string>;
    };
    envoy = await oldestEnvoy();
  });

  it("is the one that is said to be supported", async () => {
    const { stdout } = await run(envoy, ["--version"]);
    assert.match(stdout, new RegExp(`/${OLDEST_ENVOY.major}\\.${OLDEST_ENVOY.minor}\\.`));
  });

  for (const [what, file] of [
    ["accepts all golden configurations", "tests/golden/pilot-envoy.test.ts"],
    ["behaves by default as the newest", "tests/behaviour/defaults.test.ts"],
    ["layers policies as the newest", "tests/behaviour/policy-levels.test.ts"],
    ["routes as the newest", "tests/behaviour/virtual-service-route.test.ts"],
    ["serves TLS at gateways as the newest", "tests/behaviour/gateway-tls.test.ts"],
  ] as const)
    it(what, async () => {
      const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
      const options = { cwd: ROOT, env: { ...env, XEBEC_ENVOY: envoy }, maxBuffer: 1 << 26 };
      await run(process.execPath, ["--test", file], options).catch((error: { readonly stdout: string }) =>
        assert.fail(error.stdout),
      );
    });
});
