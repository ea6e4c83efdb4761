import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, freePorts, startChild, tempDir } from "@xebec/testing-launch";

const ROOT = resolve(import.meta.dirname, "../../../..");
const RULES = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: versions, namespace: istio-system}
spec: {compiledAdapter: listchecker, params: {overrides: [v1]}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: version, namespace: istio-system}
spec: {compiledTemplate: listentry, params: {value: 'source.labels["version"] | "none"'}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: versions, namespace: istio-system}
spec: {match: destination.service.name == "reviews", actions: [{handler: versions, instances: [version]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: deny, namespace: istio-system}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: stop}}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: nothing, namespace: istio-system}
spec: {compiledTemplate: checknothing}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: private, namespace: default}
spec: {match: request.path == "/private", actions: [{handler: deny.istio-system, instances: [nothing.istio-system]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: count, namespace: istio-system}
spec: {compiledAdapter: memquota, params: {quotas: [{name: rate.instance.istio-system, maxAmount: 5, validDuration: 3600s}]}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: rate, namespace: istio-system}
spec: {compiledTemplate: quota, params: {dimensions: {path: request.path | ""}}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: rate, namespace: istio-system}
spec: {actions: [{handler: count, instances: [rate]}]}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: out, namespace: istio-system}
spec: {compiledAdapter: stdio, params: {outputAsJson: true}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: line, namespace: istio-system}
spec: {compiledTemplate: logentry, params: {severity: '"Warning"', variables: {path: request.path | "none"}}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: log, namespace: istio-system}
spec: {actions: [{handler: out, instances: [line]}]}
`;

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `xebec mixer …`. */
const xebec = (...args: string[]): Promise<Said> =>
  new Promise((done) => {
    const command = [join(ROOT, "apps/xebec/src/main.ts"), "mixer", ...args];
    execFile(process.execPath, command, (error, out, err) => done({ code: error ? 1 : 0, out, err }));
  });

describe("xebec mixer check and report", () => {
  const folder = tempDir();
  const servers = new Map<string, { readonly child: Child; readonly api: string; readonly monitoring: string }>();
  const at = (name: string) => servers.get(name) as NonNullable<ReturnType<typeof servers.get>>;

  before(async () => {
    writeFileSync(folder.file("rules.yaml"), RULES);
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = await freePorts(5);
    for (const [name, port, monitoring, more] of [
      ["mixer-policy", a, b, []],
      ["mixer-telemetry", c, d, ["--prometheusAddr", `127.0.0.1:${e}`]],
    ] as const) {
      const main = join(ROOT, "apps", name, "src/main.ts");
      const store = `--configStoreURL=fs://${folder.file(".")}`;
      const ports = ["--address", `127.0.0.1:${port}`, "--secureAddr", "", "--monitoringPort", String(monitoring)];
      const child = startChild(process.execPath, [main, store, ...ports, ...more]);
      servers.set(name, { child, api: `127.0.0.1:${port}`, monitoring: `127.0.0.1:${monitoring}` });
    }
    for (const [name, { child, monitoring }] of servers)
      await waitFor(`${name} is ready`, 60_000, async () => {
        assert.ok(!child.exited, child.output());
        const answer = await fetch(`http://${monitoring}/readyz`).catch(() => undefined);
        return answer?.status === 200;
      });
  });
  after(async () => {
    for (const { child } of servers.values()) await child.stop();
    folder.remove();
  });

  it("prints what mixc printed: status, references, quotas", async () => {
    const { api } = at("mixer-policy");
    const text = ["-s", "destination.service.name=reviews,destination.namespace=default,request.path=/x"];
    const passed = await xebec(
      "check",
      "-m",
      api,
      ...text,
      "--stringmap_attributes",
      "source.labels=version:v1",
      "-q",
      "rate=3",
    );
    assert.equal(passed.code, 0, passed.err);
    assert.match(passed.out, /^Check RPC completed successfully\. Check status was OK\n {2}Valid use count: \d+/);
    assert.match(passed.out, /\n {4}source\.labels::version EXACT\n/);
    assert.match(passed.out, /\n {4}rate +3 +1h0m0s\n/);
    const denied = await xebec("check", "-m", api, "-a", "destination.namespace=default,request.path=/private");
    assert.match(denied.out, /Check status was PERMISSION_DENIED \(.*stop\)/);
  });

  it("explains a check rule by rule", async () => {
    const { api, monitoring } = at("mixer-policy");
    const { out, code, err } = await xebec(
      ...["check", "-m", api, "--explain", "--monitoring", monitoring, "--print_response", "false"],
      ...["-s", "destination.service.name=reviews,destination.namespace=default,request.path=/x"],
    );
    assert.equal(code, 0, err);
    const text = out.replace(/\(\d+\.\d{3}ms\)/g, "(MS)");
    assert.match(text, /^Rules of the root namespace and of default: 3\n/);
    assert.match(
      text,
      / {2}istio-system\/versions: matched\n {4}match: destination\.service\.name == "reviews"\n {4}decided by: mixer-policy: source\.labels.*\n {4}without an answer: policyCheckFailOpen of the mesh decides\n {4}version\.instance\.istio-system \{"value":"none"\}\n {6}versions\.istio-system \[listchecker\]: code \d+ .*none.*\(MS\)\n/,
    );
    assert.match(
      text,
      / {2}default\/private: not matched\n {4}match: request\.path == "\/private"\n {4}decided by: Envoy\n/,
    );
    assert.match(text, /istio-system\/rate: matched\n(?:.*\n)* {6}count\.istio-system \[memquota\]: not asked\n/);
  });

  it("explains a report: what handlers would get, and nothing is reported", async () => {
    const { api, monitoring } = at("mixer-telemetry");
    const { out, code, err } = await xebec(
      ...["report", "-m", api, "--explain", "--monitoring", monitoring, "-s", "request.path=/explained"],
    );
    assert.equal(code, 0, err);
    assert.match(out, /^Report RPC returned OK\n/);
    assert.match(out, / {2}istio-system\/log: matched\n.*\n(?:.*\n)* {6}out\.istio-system \[stdio\]: not asked\n/);
    assert.match(out, /line\.instance\.istio-system \{.*"path":"\/explained"/);
  });

  it("says which address does not answer", async () => {
    const { api } = at("mixer-policy");
    const { code, err } = await xebec("check", "-m", api, "--explain", "--monitoring", "127.0.0.1:1");
    assert.equal(code, 1);
    assert.match(err, /127\.0\.0\.1:1 does not answer .*--monitoring/);
    const gone = await xebec("check", "-m", "127.0.0.1:1");
    assert.equal(gone.code, 1);
    assert.match(gone.out, /^Check RPC failed with: Unavailable/);
  });

  it("reports", async () => {
    const { api, child } = at("mixer-telemetry");
    const { out } = await xebec("report", "-m", api, "-s", "request.path=/reported", "--report_batch_size", "2");
    assert.equal(out, "Report RPC returned OK\n");
    await waitFor("both lines", 5000, () => child.output().split('"path":"/reported"').length === 3);
  });
});
