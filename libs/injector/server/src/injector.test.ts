import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { injectContext, parseInjectConfig, withDefaults } from "@xebec/injector-template";
import { tempDir } from "@xebec/testing-launch";
import { createSettings, InjectorConfig, reviewPod } from "./index.ts";

const settings = injectContext({ config: parseInjectConfig("{}"), values: withDefaults({}) });

function review(pod: unknown): { allowed: boolean; patched: boolean; message: string } {
  const body = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { uid: "u", object: pod } };
  const { outcome, body: answer } = reviewPod(body, settings);
  const { response } = answer as { response: { allowed: boolean; patch?: string; status?: { message?: string } } };
  assert.equal(response.allowed, outcome !== "failed");
  return { allowed: response.allowed, patched: response.patch !== undefined, message: response.status?.message ?? "" };
}

describe("the webhook", () => {
  const spec = { containers: [{ name: "app", image: "i" }] };
  const annotated = (name: string, value: unknown): unknown => ({ metadata: { annotations: { [name]: value } }, spec });

  it("denies annotations beyond Kubernetes' limit, and injects what is just below it", () => {
    for (const [size, allowed] of [
      [3 << 20, false],
      [(256 << 10) + 1, false],
      [250 << 10, true],
    ] as const) {
      const answer = review(annotated("x", '\\"'.repeat(size / 2)));
      assert.equal(answer.allowed, allowed, answer.message);
      if (!allowed) assert.match(answer.message, /annotations have \d+ bytes together, more than 262144/);
    }
  });

  it("denies with a reason what cannot be injected, whatever a pod holds", () => {
    assert.match(
      review(annotated("proxy.istio.io/config", "{a: b")).message,
      /proxy\.istio\.io\/config: line 1: is not YAML/,
    );
    assert.match(
      review(annotated("proxy.istio.io/config", "a: *x")).message,
      /proxy\.istio\.io\/config: line 1: the alias \*x/,
    );
    for (const pod of [
      annotated("proxy.istio.io/config", 5),
      annotated("proxy.istio.io/overrides", "[]"),
      { metadata: { annotations: 5 }, spec: { containers: "x" } },
      { spec: { containers: [null] } },
      { metadata: { labels: { "sidecar.istio.io/inject": 5 } } },
    ]) {
      const { allowed, message } = review(pod);
      assert.equal(allowed, false, JSON.stringify(pod));
      assert.match(message, /injection failed: ./);
    }
  });

  for (const status of ["null", '"x"', "5", '{"containers":5,"volumes":[null,5]}'])
    it(`ignores a status that says nothing: ${status}`, () =>
      assert.deepEqual(review(annotated("sidecar.istio.io/status", status)), {
        allowed: true,
        patched: true,
        message: "",
      }));
});

describe("the injector's files", () => {
  it("are read again when they change, also with Istio's own names behind a ConfigMap's link", async () => {
    using folder = tempDir();
    const version = (name: string, policy: string): void => {
      mkdirSync(folder.file(name));
      writeFileSync(`${folder.file(name)}/config`, `policy: ${policy}\n`);
      writeFileSync(`${folder.file(name)}/values`, "global: {proxy: {logLevel: debug}}\n");
    };
    version("..1", "enabled");
    symlinkSync("..1", folder.file("..data"));
    for (const name of ["config", "values"]) symlinkSync(`..data/${name}`, folder.file(name));
    const { config } = loadConfig(
      InjectorConfig,
      ["--injectConfig", folder.file("config"), "--valuesFile", folder.file("values")],
      {},
    );
    const { component, current } = createSettings({ config });
    await component.start(new AbortController().signal);
    const logLevel = (current().values as { global: { proxy: { logLevel: string } } }).global.proxy.logLevel;
    assert.deepEqual([current().config.policy, logLevel], ["enabled", "debug"]);
    assert.equal(current(), current(), "the context is made once");
    version("..2", "disabled");
    symlinkSync("..2", folder.file("..next"));
    renameSync(folder.file("..next"), folder.file("..data"));
    await waitFor("the new policy", 10_000, () => current().config.policy === "disabled");
    await component.close?.();
  });
});
