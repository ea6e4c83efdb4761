import assert from "node:assert/strict";
import test from "node:test";
import type { MeshStatus, ProcessStatus } from "@xebec/platform-local";
import { summary, wrapped } from "./summary.ts";

const pod = (name: string): ProcessStatus => ({
  name,
  kind: "pod",
  addresses: [],
  pid: 1,
  ready: true,
  restarts: 0,
  log: "",
  problem: "",
});
const mesh = (processes: readonly ProcessStatus[]): MeshStatus => ({
  runId: "",
  configDir: "/c",
  runDir: "/r",
  ingress: "http://localhost:8080",
  secureIngress: "https://localhost:8443",
  monolith: false,
  supervisor: 1,
  processes,
  problems: [],
  unsupported: [],
  missing: [],
});

test("an ingress is named only when there is one", () => {
  assert.match(summary(mesh([]), true, false), /Ingress {4}none: /);
  const gateway = pod("istio-system/istio-ingressgateway-0-1");
  assert.match(summary(mesh([gateway]), true, true), /Ingress {4}http:\/\/localhost:8080\/productpage\n/);
});

test("commands carry the run directory when it is not the usual one", () => {
  const text = summary(mesh([]), false, false, "/tmp/other mesh");
  assert.match(text, /End {8}XEBEC_HOME='\/tmp\/other mesh' npx xebec down\n/);
  assert.match(summary(mesh([]), false, false, ""), /End {8}npx xebec down\n/);
});

test("long lists fit a terminal of 80 columns, below their heading, with every name whole", () => {
  const names = Array.from({ length: 20 }, (_, i) => `default/service-number-${i}`);
  const lines = `  Pods       ${wrapped(names)}`.split("\n");
  for (const line of lines) assert.ok(line.length < 80, `${line.length}: ${line}`);
  for (const line of lines.slice(1)) assert.match(line, /^ {13}\S/);
  assert.deepEqual(wrapped(names).split(/,\s+/), names);
});

test("a name that is longer than the line stands alone", () => {
  const long = "x".repeat(100);
  assert.equal(wrapped(["a", long, "b"]), `a,\n${" ".repeat(13)}${long},\n${" ".repeat(13)}b`);
  assert.equal(wrapped(["a"]), "a");
  assert.equal(wrapped([]), "");
});
