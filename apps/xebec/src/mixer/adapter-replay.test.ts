import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { TRANSPORTS } from "./case-transport.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
const MAIN = join(ROOT, "apps/xebec/src/main.ts");
const KEYRING = join(ROOT, "libs/mixer/loader/testdata/keyring");

const OBJECTS = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: keys, namespace: istio-system}
spec: {compiledAdapter: keyring, params: {keys: [one]}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: use, namespace: istio-system}
spec: {compiledTemplate: keyuse, params: {key: 'request.headers["x-key"] | "none"', caller_ip: source.ip}}
`;
const line = (time: string, key: string): string =>
  `${JSON.stringify({ time, kind: "check", attributes: { "request.headers": { "x-key": key }, "source.ip": "10.0.0.1" } })}\n`;

function folder(t: { after(work: () => void): void }): string {
  const made = mkdtempSync(join(tmpdir(), "replay-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test("a recording goes to an adapter on every transport, which says the same of each request", (t) => {
  const dir = folder(t);
  const [recording, objects] = [join(dir, "recording.jsonl"), join(dir, "objects.yaml")];
  writeFileSync(objects, OBJECTS);
  writeFileSync(recording, line("2026-01-01T00:00:00Z", "one") + line("2026-01-01T00:00:05Z", "two"));
  for (const transport of TRANSPORTS) {
    const args = ["adapter", "replay", recording, KEYRING, "-f", objects, "--transport", transport, "-o", "json"];
    const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const answers = stdout
      .split("\n")
      .filter(Boolean)
      .map((each) => {
        const [{ instance, values, answer }] = JSON.parse(each).rules[0].actions;
        return [instance, values.key, values.callerIp ?? values.caller_ip, answer.code];
      });
    assert.deepEqual(
      answers,
      [
        ["use.instance.istio-system", "one", "10.0.0.1", 0],
        ["use.instance.istio-system", "two", "10.0.0.1", 16],
      ],
      transport,
    );
  }
});

test("what cannot be replayed says where and why; expressions are evaluated for each request of a recording", (t) => {
  const dir = folder(t);
  const [recording, objects] = [join(dir, "recording.jsonl"), join(dir, "objects.yaml")];
  const xebec = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  writeFileSync(objects, OBJECTS.replace("keys: [one]", "keyes: [one]"));
  writeFileSync(recording, line("2026-01-01T00:00:00Z", "one"));
  const wrong = xebec("adapter", "replay", recording, KEYRING, "-f", objects);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /handler\/istio-system\/keys: .*keyes/);
  const evaluated = xebec("mixer", "eval", "--batch", recording, "--expr", 'request.headers["x-key"]');
  assert.equal(JSON.parse(evaluated.stdout).value, "one");
  writeFileSync(recording, `${line("2026-01-01T00:00:00Z", "one")}no\n`);
  const cut = xebec("adapter", "replay", recording, KEYRING, "-f", objects);
  assert.match(cut.stderr, /recording\.jsonl:2: this is no line of a recording/);
});

test("record writes what the copies of a service send, up to its limits", async (t) => {
  const dir = folder(t);
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      asked.push(JSON.parse(body));
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      for (const key of ["one", "two"]) response.write(line("2026-01-01T00:00:00Z", key));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = join(dir, "got.jsonl");
  const flags = [
    "--monitoring",
    address,
    "--monitoring",
    address,
    "--count",
    "3",
    "--duration",
    "30s",
    "--redact",
    "x",
  ];
  const child = spawn(process.execPath, [MAIN, "adapter", "record", "-o", file, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part) => {
    said += part;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, said);
  assert.match(said, /^3 requests in .*got\.jsonl: that is --count/);
  assert.equal(readFileSync(file, "utf8").split("\n").filter(Boolean).length, 3);
  assert.deepEqual(asked[0], { count: 3, seconds: 30, bytes: 10 << 20, redact: ["x"], secrets: false });
  const closed = spawnSync(process.execPath, [MAIN, "adapter", "record", "--monitoring", "127.0.0.1:1"], {
    encoding: "utf8",
    cwd: dir,
  });
  assert.match(closed.stderr, /127\.0\.0\.1:1 cannot be asked: .*ECONNREFUSED/);
  assert.throws(() => execFileSync("cat", [join(dir, "recording.jsonl")], { stdio: "ignore" }), "no file is made");
});
