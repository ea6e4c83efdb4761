import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { injectContext } from "./context.ts";
import { at, type Fields } from "./fields.ts";
import { injectPod } from "./inject.ts";
import { parseInjectConfig } from "./inject-config.ts";
import type { Container, Pod } from "./pod.ts";
import { withDefaults } from "./values.ts";

function inject(pod: Pod, values: Fields = {}, nativeSidecars = false): Pod {
  const context = injectContext({ config: parseInjectConfig("{}"), values: withDefaults(values), nativeSidecars });
  const once = injectPod({ pod, namespace: "shop" }, context);
  assert.deepEqual(injectPod({ pod: once, namespace: "shop" }, context), once, "once more changes nothing");
  return once;
}

const podOf = (templates: string, more: Record<string, string> = {}): Pod => ({
  metadata: { name: "web-1", labels: { app: "web" }, annotations: { "inject.istio.io/templates": templates, ...more } },
  spec: {
    containers: [
      { name: "web", image: "web", env: [{ name: "A", value: "1" }], ...{ livenessProbe: { grpc: { port: 7070 } } } },
      { name: "other", image: "other" },
    ],
  },
});
const named = (list: readonly Container[] | undefined, name: string) =>
  list?.find((each) => each.name === name) as Container & Fields;
const env = (container: Container, name: string): unknown => container.env?.find((each) => each.name === name)?.value;

describe("the template grpc-agent", () => {
  it("gives an app's gRPC its bootstrap, and an agent without Envoy", () => {
    const { spec, metadata } = inject(podOf("grpc-agent"));
    assert.deepEqual(
      spec?.containers?.map(({ name }) => name),
      ["web", "other", "istio-proxy"],
    );
    assert.equal(spec?.initContainers, undefined, "nothing captures traffic");
    for (const name of ["web", "other"]) {
      const app = named(spec?.containers, name);
      assert.equal(env(app, "GRPC_XDS_BOOTSTRAP"), "/etc/istio/proxy/grpc-bootstrap.json");
      assert.equal(env(app, "GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT"), "true");
      assert.deepEqual(
        app.volumeMounts?.map((each) => at(each, "mountPath")),
        ["/var/lib/istio/data", "/etc/istio/proxy"],
      );
      assert.equal(app.image, name);
    }
    assert.equal(env(named(spec?.containers, "web"), "A"), "1");
    const agent = named(spec?.containers, "istio-proxy");
    assert.deepEqual(
      ["DISABLE_ENVOY", "OUTPUT_CERTS", "ISTIO_META_GENERATOR"].map((name) => env(agent, name)),
      ["true", "/var/lib/istio/data", "grpc"],
    );
    assert.deepEqual(
      spec?.volumes?.map(({ name }) => name),
      ["istio-xds", "istio-data", "istio-podinfo", "istio-token", "istiod-ca-cert"],
    );
    assert.deepEqual(at(named(spec?.containers, "web"), "livenessProbe"), { grpc: { port: 7070 } }, "not rewritten");
    assert.equal(metadata?.labels?.["security.istio.io/tlsMode"], undefined);
  });

  it("holds the app until its agent is ready, also where sidecars are native", () => {
    const pod = inject(
      podOf("grpc-agent", { "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true" }),
      {},
      true,
    );
    assert.deepEqual(
      pod.spec?.containers?.map(({ name }) => name),
      ["istio-proxy", "web", "other"],
    );
    const [agent] = pod.spec?.containers ?? [];
    assert.deepEqual(at(agent, "lifecycle", "postStart", "exec", "command"), ["pilot-agent", "wait"]);
  });
});

describe("the template grpc-simple", () => {
  it("writes the bootstrap before the app, and needs no agent", () => {
    const { spec } = inject(podOf("grpc-simple"));
    assert.deepEqual(
      spec?.containers?.map(({ name }) => name),
      ["web", "other"],
    );
    const [init] = spec?.initContainers ?? [];
    assert.deepEqual(
      [init?.name, init?.image, init?.args?.[0]],
      ["grpc-bootstrap-init", "xebec/proxyv2", "grpc-bootstrap"],
    );
    const [web] = spec?.containers ?? [];
    assert.ok(web && init);
    assert.equal(env(web, "GRPC_XDS_BOOTSTRAP"), init.args?.at(-1));
    assert.deepEqual(web.volumeMounts, [{ name: "grpc-io-proxyless-bootstrap", mountPath: "/var/lib/grpc/data" }]);
  });
});
