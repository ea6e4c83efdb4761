import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditPod } from "./audit.ts";
import { injectContext } from "./context.ts";
import { at, type Fields } from "./fields.ts";
import { injectPod } from "./inject.ts";
import { parseInjectConfig } from "./inject-config.ts";
import type { Pod } from "./pod.ts";
import { withDefaults } from "./values.ts";
import { podWebhooksOf } from "./webhooks.ts";
import { injectObject } from "./workload-objects.ts";

// Neither the policy nor the namespace matters to whoever asks for it.
const CONTEXT = injectContext({ config: parseInjectConfig("{policy: disabled}"), values: withDefaults({}) });
const POD = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web" }] } };
const names = (spec: unknown): unknown => (at(spec, "containers") as { name: string }[]).map(({ name }) => name);

describe("objects that have pods", () => {
  const template = ["spec", "template"];
  for (const [kind, path, workload] of [
    ["Deployment", template, "web"],
    ["DaemonSet", template, "web"],
    ["StatefulSet", template, "web"],
    ["Job", template, "web"],
    ["ReplicationController", template, "web"],
    ["DeploymentConfig", template, "web"],
    ["CronJob", ["spec", "jobTemplate", "spec", "template"], "web"],
    ["Pod", [], "web"],
  ] as const)
    it(kind, () => {
      const head = { apiVersion: "x/v1", kind, metadata: { name: "web", namespace: "kube-system" } };
      const wrapped = path.reduceRight<object>((value, key) => ({ [key]: value }), POD);
      const object = { ...wrapped, ...head } as Fields;
      const { object: injected, notice } = injectObject(object, CONTEXT);
      assert.equal(notice, undefined);
      const spec = at(injected, ...path, "spec");
      assert.deepEqual(names(spec), ["web", "istio-proxy"]);
      const env = at((at(spec, "containers") as Fields[])[1], "env") as { name: string; value?: string }[];
      assert.equal(env.find(({ name }) => name === "ISTIO_META_WORKLOAD_NAME")?.value, workload);
    });

  it("come back as they are where nothing is to be done, with a notice where somebody may wonder", () => {
    const service = { apiVersion: "v1", kind: "Service", spec: { template: POD } };
    assert.equal(injectObject(service, CONTEXT).object, service);
    const host = {
      kind: "Deployment",
      metadata: { name: "a" },
      spec: { template: { spec: { ...POD.spec, hostNetwork: true } } },
    };
    assert.match(
      injectObject(host, CONTEXT).notice ?? "",
      /^Deployment a gets no proxy: its pods use the host's network$/,
    );
    const list = { kind: "List", items: [service, { ...POD, kind: "Pod", metadata: { name: "p" } }, host] };
    const { object, notice } = injectObject(list, CONTEXT);
    const items = object.items as Fields[];
    assert.deepEqual([items[0], items[2], names(at(items[1], "spec"))], [service, host, ["web", "istio-proxy"]]);
    assert.match(notice ?? "", /Deployment a/);
  });

  it("are named when they cannot be injected", () => {
    const pod = { ...POD, kind: "Pod", metadata: { name: "p", annotations: { "status.sidecar.istio.io/port": "x" } } };
    assert.throws(
      () => injectObject(pod, CONTEXT),
      /^XebecError: Pod p: annotation status\.sidecar\.istio\.io\/port: must be a port/,
    );
  });
});

describe("an audit", () => {
  const webhooks = podWebhooksOf({
    metadata: { name: "istio-sidecar-injector" },
    webhooks: [
      {
        name: "namespace.sidecar-injector.istio.io",
        namespaceSelector: { matchLabels: { "istio-injection": "enabled" } },
      },
      { name: "other.example", namespaceSelector: {} },
    ],
  });
  const context = (tag: string) =>
    injectContext({ config: parseInjectConfig("{}"), values: withDefaults({ global: { hub: "h", tag } }) });
  const audit = (pod: Pod, enabled = true, tag = "1") =>
    auditPod(
      { pod, namespace: "shop", namespaceLabels: enabled ? { "istio-injection": "enabled" } : {}, webhooks },
      context(tag),
    )?.problem;
  const injected = injectPod({ pod: POD, namespace: "shop" }, context("1"));

  it("names pods without their proxy, and with an old one", () => {
    assert.deepEqual([audit(POD), audit(POD, false)], ["missing", undefined]);
    assert.deepEqual(
      [audit(injected), audit(injected, true, "2"), audit(injected, true, "1-distroless")],
      [undefined, "outdated", undefined],
    );
    const off = { ...POD, metadata: { labels: { "sidecar.istio.io/inject": "false" } } };
    assert.equal(audit(off), undefined);
  });

  it("lets pods of other revisions be", () => {
    const canary = injectContext({
      config: parseInjectConfig("{}"),
      values: withDefaults({ revision: "canary", global: { tag: "9" } }),
    });
    assert.equal(audit(injectPod({ pod: POD, namespace: "shop" }, canary)), undefined);
  });
});
