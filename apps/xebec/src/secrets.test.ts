import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { startChild, tempDir } from "@xebec/testing-launch";

const MAIN = join(import.meta.dirname, "main.ts");
/** Stands wherever configuration may hold a secret. */
const SECRET = "HUSHhush0123456789";

function configuration(port: number, outside: string): Record<string, string> {
  const mixer = (kind: string, name: string, spec: string): string =>
    `apiVersion: config.istio.io/v1alpha2\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`;
  const rule = (name: string, handler: string, instance: string, match = ""): string =>
    mixer("rule", name, `{ match: '${match}', actions: [{ handler: ${handler}, instances: [${instance}] }] }`);
  const list = (name: string, url: string): string =>
    mixer("handler", name, `{ compiledAdapter: listchecker, params: { providerUrl: "${url}", refreshInterval: 1s } }`);
  return {
    "mixer.yaml": [
      mixer("instance", "entry", '{ compiledTemplate: listentry, params: { value: request.path | "" } }'),
      mixer("instance", "line", "{ compiledTemplate: logentry, params: { severity: '\"info\"' } }"),
      list("good", `http://user:${SECRET}@127.0.0.1:${port}/list?token=${SECRET}`),
      list("wrong", `ftp://user:${SECRET}@127.0.0.1/`),
      list("inner", `http://user:${SECRET}@169.254.169.254/latest?secret=${SECRET}`),
      mixer("handler", "unknown", `{ compiledAdapter: denier, params: { password: ${SECRET} } }`),
      mixer("handler", "file", `{ compiledAdapter: stdio, params: { logStream: FILE, outputPath: "${outside}" } }`),
      mixer("handler", "odd", `{ compiledAdapter: "http://u:${SECRET}@h/", params: {} }`),
      ...["good", "wrong", "inner", "unknown", "odd"].map((each) => rule(each, each, "entry")),
      rule("file", "file", "line"),
      rule("match", "good", "entry", `request.headers["authorization"] == "Bearer ${SECRET}" && x.y`),
    ].join(""),
    "broken.yaml": `apiVersion: v1\nkind: Secret\npassword: ${SECRET}\ntoken: [${SECRET}\n`,
    "routes.yaml": `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: a, annotations: { authorization: "Bearer ${SECRET}" } }
spec:
  hosts: ["http://user:${SECRET}@host/"]
  http: [{ headers: { request: { set: { authorization: "Bearer ${SECRET}" } } }, rout: [] }]
`,
  };
}

test("no service reveals a secret that configuration holds, nor the same failure every second, nor reaches out of its bounds", async () => {
  using folder = tempDir();
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.writeHead(401, { "www-authenticate": `Basic realm="${SECRET}"` }).end(SECRET);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const outside = folder.file("outside.log");
  const dir = folder.file("config");
  mkdirSync(dir);
  const { port } = server.address() as AddressInfo;
  for (const [name, text] of Object.entries(configuration(port, outside))) writeFileSync(join(dir, name), text);
  const names = ["galley", "pilot", "citadel", "injector", "policy", "telemetry"];
  const addresses = names.flatMap((each, i) => [`--${each}Address`, `127.213.${process.pid % 250}.${i + 2}`]);
  const flags = ["--configDir", dir, "--stateDir", folder.file("state"), ...addresses];
  const child = startChild(process.execPath, [
    ...[MAIN, "run", "istiod", ...flags, "--handlerNetworks", "127.0.0.1", "--handlerDirs", folder.file("allowed")],
    ...["--busURL", `nats://user:${SECRET}@127.0.0.1:1`],
  ]);
  try {
    await waitFor("the list is asked for several times", 30_000, () => {
      assert.ok(!child.exited, child.output());
      return seen.length >= 4;
    });
  } finally {
    await child.stop();
    server.close();
  }
  const text = child.output();
  assert.doesNotMatch(text, new RegExp(SECRET));
  assert.equal(
    seen[0],
    `Basic ${Buffer.from(`user:${SECRET}`).toString("base64")}`,
    "its own server gets the password",
  );
  assert.ok(!text.includes(Buffer.from(`user:${SECRET}`).toString("base64")));
  const lines = text.split("\n");
  const count = (what: RegExp): number => lines.filter((each) => what.test(each)).length;
  assert.equal(count(/a list could not be fetched/), 1, text);
  // What went wrong is reported nevertheless.
  for (const what of [
    /providerUrl: is not an http or https URL/,
    /169\.254\.169\.254 is a link-local address/,
    /outputPath: .* is not below/,
    /handler\/default\/unknown.*unknown field/,
    /broken\.yaml/,
    /routes\.yaml/,
  ])
    assert.ok(count(what) > 0, `${what} is not in ${text}`);
  assert.ok(!existsSync(outside));
});
