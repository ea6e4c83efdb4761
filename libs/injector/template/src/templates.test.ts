import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type InjectOptions, injectContext } from "./context.ts";
import { at, type Fields } from "./fields.ts";
import { type InjectedPod, injectPod } from "./inject.ts";
import { parseInjectConfig } from "./inject-config.ts";
import { type Container, type Pod, workloadOf } from "./pod.ts";
import { withDefaults } from "./values.ts";

type Given = Partial<Omit<InjectOptions, "config" | "values">> & { readonly config?: object; readonly values?: object };

function inject(
  pod: Pod,
  { config = {}, values = {}, ...options }: Given = {},
  injected: Partial<InjectedPod> = {},
): Pod {
  const context = injectContext({
    ...options,
    config: parseInjectConfig(JSON.stringify(config)),
    values: withDefaults(values as Fields),
  });
  const once = injectPod({ pod, namespace: "shop", ...injected }, context);
  assert.deepEqual(
    injectPod({ pod: once, namespace: "shop", ...injected }, context),
    once,
    "once more changes nothing",
  );
  return once;
}

const POD = {
  metadata: { name: "web-1", labels: { app: "web" } },
  spec: {
    containers: [{ name: "web", image: "web", ports: [{ containerPort: 80 }] }],
    initContainers: [{ name: "prepare" }],
  },
} satisfies Pod;
const annotated = (annotations: Record<string, string>, pod: Pod = POD): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, annotations },
});
const names = (pod: Pod, list: "containers" | "initContainers"): string[] =>
  (pod.spec?.[list] ?? []).map(({ name }) => name);
const container = (pod: Pod, name: string): Container & Fields =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
    (each) => each.name === name,
  ) as Container & Fields;
const env = (pod: Pod, name: string): string | undefined =>
  container(pod, "istio-proxy").env?.find((each) => each.name === name)?.value;

describe("the template sidecar", () => {
  it("stands behind the app, and its init container behind the app's", () => {
    const pod = inject(POD);
    assert.deepEqual(names(pod, "containers"), ["web", "istio-proxy"]);
    assert.deepEqual(names(pod, "initContainers"), ["prepare", "istio-init"]);
  });

  it("is a native sidecar by the installation or the pod, with its hooks and before the app's own init containers", () => {
    for (const pod of [
      inject(POD, { nativeSidecars: true }),
      inject(annotated({ "sidecar.istio.io/nativeSidecar": "true" })),
    ]) {
      assert.deepEqual(names(pod, "initContainers"), ["istio-init", "istio-proxy", "prepare"]);
      assert.deepEqual(names(pod, "containers"), ["web"]);
      const proxy = container(pod, "istio-proxy");
      assert.equal(proxy.restartPolicy, "Always");
      assert.equal(at(proxy, "startupProbe", "httpGet", "port"), 15_021);
      assert.deepEqual(at(proxy, "lifecycle", "preStop", "exec", "command"), [
        "pilot-agent",
        "request",
        "--debug-port=15020",
        "POST",
        "drain",
      ]);
    }
    const other = inject(annotated({ "sidecar.istio.io/nativeSidecar": "false" }), { nativeSidecars: true });
    assert.deepEqual(names(other, "containers"), ["web", "istio-proxy"]);
  });

  it("takes a user's own istio-proxy along when it is native, and metrics and probes", () => {
    const user = { name: "istio-proxy", image: "auto", env: [{ name: "X", value: "1" }] };
    const web = { name: "web", readinessProbe: { httpGet: { port: 80 } } };
    const pod = inject(annotated({ "prometheus.io/port": "80" }, { spec: { containers: [web, user] } }), {
      nativeSidecars: true,
    });
    assert.deepEqual(names(pod, "containers"), ["web"]);
    assert.equal(env(pod, "X"), "1");
    assert.equal(env(pod, "ISTIO_PROMETHEUS_ANNOTATIONS"), '{"port":"80"}');
    assert.match(env(pod, "ISTIO_KUBE_APP_PROBERS") ?? "", /app-health\/web\/readyz/);
  });

  it("holds the app until the proxy is ready, by the annotation or the values", () => {
    const held = { global: { proxy: { holdApplicationUntilProxyStarts: true } } };
    for (const pod of [
      inject(POD, { values: held }),
      inject(annotated({ "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true" })),
    ]) {
      assert.deepEqual(names(pod, "containers"), ["istio-proxy", "web"]);
      assert.deepEqual(at(container(pod, "istio-proxy"), "lifecycle", "postStart", "exec", "command"), [
        "pilot-agent",
        "wait",
      ]);
    }
  });

  it("looks whether the CNI plugin has captured the traffic, where there is one", () => {
    for (const values of [{ pilot: { cni: { enabled: true } } }, { istio_cni: { enabled: true } }]) {
      const pod = inject(annotated({ "traffic.sidecar.istio.io/excludeOutboundPorts": "3306" }), { values });
      assert.deepEqual(names(pod, "initContainers"), ["istio-validation", "prepare"]);
      assert.deepEqual(container(pod, "istio-validation").args?.slice(-2), ["--run-validation", "--skip-rule-apply"]);
      assert.equal(at(container(pod, "istio-validation"), "securityContext", "runAsUser"), 1337);
      assert.equal(pod.metadata?.annotations?.["traffic.sidecar.istio.io/excludeInboundPorts"], "15020");
      assert.equal(pod.metadata?.annotations?.["traffic.sidecar.istio.io/excludeOutboundPorts"], "3306");
    }
  });

  it("captures what annotations say", () => {
    const { args } = container(
      inject(
        annotated({
          "traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8",
          "traffic.sidecar.istio.io/excludeOutboundIPRanges": "10.1.0.0/16",
          "traffic.sidecar.istio.io/includeInboundPorts": "80",
          "traffic.sidecar.istio.io/excludeInboundPorts": "9090",
          "traffic.sidecar.istio.io/includeOutboundPorts": "443",
          "traffic.sidecar.istio.io/excludeOutboundPorts": "3306",
          "traffic.sidecar.istio.io/kubevirtInterfaces": "net1",
          "traffic.sidecar.istio.io/excludeInterfaces": "eth1",
          "sidecar.istio.io/interceptionMode": "TPROXY",
        }),
      ),
      "istio-init",
    );
    const options = Object.fromEntries(
      (args ?? []).slice(1).flatMap((each, index, all) => (index % 2 === 0 ? [[each, all[index + 1]]] : [])),
    );
    assert.equal(args?.[0], "istio-iptables");
    assert.deepEqual(
      ["-m", "-i", "-x", "-b", "-d", "-q", "-o", "-k", "-c"].map((each) => options[each]),
      ["TPROXY", "10.0.0.0/8", "10.1.0.0/16", "80", "15090,15021,9090,15020", "443", "3306", "net1", "eth1"],
    );
  });

  it("follows the user that a pod chooses for its proxy", () => {
    const user = { name: "istio-proxy", image: "auto", securityContext: { runAsUser: 2000, runAsGroup: 2001 } };
    const pod = { spec: { containers: [{ name: "web" }, user] } };
    const plain = inject(pod);
    assert.equal(container(plain, "istio-init").args?.at(6), "2000");
    assert.equal(at(container(plain, "istio-init"), "securityContext", "runAsUser"), 0);
    assert.equal(at(container(plain, "istio-proxy"), "securityContext", "runAsUser"), 2000);
    const cni = inject(pod, { values: { pilot: { cni: { enabled: true } } } });
    assert.equal(at(container(cni, "istio-validation"), "securityContext", "runAsGroup"), 2001);
    const tproxy = inject(annotated({ "sidecar.istio.io/interceptionMode": "TPROXY" }, pod));
    assert.equal(at(container(tproxy, "istio-proxy"), "securityContext", "runAsUser"), 0);
  });

  it("adds the volumes and mounts of annotations", () => {
    const pod = inject(
      annotated({
        "sidecar.istio.io/userVolume": '{"certs": {"secret": {"secretName": "s"}}}',
        "sidecar.istio.io/userVolumeMount": '{"certs": {"mountPath": "/certs", "readOnly": true}}',
      }),
    );
    assert.deepEqual(
      pod.spec?.volumes?.find(({ name }) => name === "certs"),
      { name: "certs", secret: { secretName: "s" } },
    );
    assert.deepEqual(container(pod, "istio-proxy").volumeMounts?.at(-1), {
      name: "certs",
      mountPath: "/certs",
      readOnly: true,
    });
  });

  it("names images by hub and tag, and a whole image as it is", () => {
    const images = (values: object): unknown[] => {
      const pod = inject(POD, { values });
      return [container(pod, "istio-proxy").image, container(pod, "istio-init").image];
    };
    assert.deepEqual(images({ global: { hub: "h", tag: 1.1 } }), ["h/proxyv2:1.1", "h/proxy-init:1.1"]);
    assert.deepEqual(images({ global: { hub: "h", tag: "t", variant: "distroless" } }), [
      "h/proxyv2:t-distroless",
      "h/proxy-init:t-distroless",
    ]);
    assert.deepEqual(images({ global: { hub: "h", proxy: { image: "x/p:1" }, proxy_init: { image: "x/i:2" } } }), [
      "x/p:1",
      "x/i:2",
    ]);
  });

  it("has the cluster and network of the webhook's path, and the network as a label", () => {
    const environment = { ISTIO_META_CLUSTER_ID: "c2", ISTIO_META_NETWORK: "n2" };
    const pod = inject(POD, {}, { environment });
    assert.deepEqual([env(pod, "ISTIO_META_CLUSTER_ID"), env(pod, "ISTIO_META_NETWORK")], ["c2", "n2"]);
    assert.equal(pod.metadata?.labels?.["topology.istio.io/network"], "n2");
  });

  it("notes its revision, and what it has added", () => {
    const { metadata } = inject(POD, { values: { revision: "canary", global: { imagePullSecrets: ["regcred"] } } });
    const status = JSON.parse(metadata?.annotations?.["sidecar.istio.io/status"] ?? "");
    assert.deepEqual(
      [status.revision, status.initContainers, status.imagePullSecrets],
      ["canary", ["istio-init"], ["regcred"]],
    );
    assert.equal(metadata?.annotations?.["istio.io/rev"], "canary");
  });
});

describe("metrics of the app", () => {
  it("are asked for by the agent, which Prometheus asks", () => {
    const pod = inject(
      annotated({ "prometheus.io/port": "8080", "prometheus.io/path": "/m", "prometheus.io/scrape": "true" }),
    );
    assert.deepEqual(JSON.parse(env(pod, "ISTIO_PROMETHEUS_ANNOTATIONS") ?? ""), {
      scrape: "true",
      path: "/m",
      port: "8080",
    });
    assert.equal(pod.metadata?.annotations?.["prometheus.io/port"], "15020");
    assert.equal(pod.metadata?.annotations?.["prometheus.io/path"], "/stats/prometheus");
  });

  it("stay as they are where a pod or the mesh says so", () => {
    for (const [annotations, given] of [
      [{ "prometheus.io/scrape": "false" }, {}],
      [{ "prometheus.istio.io/merge-metrics": "false", "prometheus.io/port": "1" }, {}],
      [{ "prometheus.io/port": "1" }, { meshConfig: { enablePrometheusMerge: false } }],
    ] as const) {
      const pod = inject(annotated(annotations), given);
      assert.equal(pod.metadata?.annotations?.["prometheus.io/path"], undefined);
      assert.equal(env(pod, "ISTIO_PROMETHEUS_ANNOTATIONS"), undefined);
    }
  });
});

describe("the template gateway", () => {
  it("makes a router of the container that the chart has", () => {
    const auto = {
      name: "istio-proxy",
      image: "auto",
      ports: [{ containerPort: 8080 }],
      env: [{ name: "X", value: "1" }],
    };
    const pod = inject(annotated({ "inject.istio.io/templates": "gateway" }, { spec: { containers: [auto] } }));
    assert.deepEqual(names(pod, "containers"), ["istio-proxy"]);
    assert.deepEqual(names(pod, "initContainers"), []);
    const proxy = container(pod, "istio-proxy");
    assert.deepEqual(
      [proxy.args?.slice(0, 2), proxy.image, env(pod, "X")],
      [["proxy", "router"], "xebec/proxyv2", "1"],
    );
    assert.deepEqual(proxy.ports?.map(({ containerPort }) => containerPort).sort(), [15_090, 8080]);
    assert.deepEqual(at(pod.spec, "securityContext", "sysctls"), [
      { name: "net.ipv4.ip_unprivileged_port_start", value: "0" },
    ]);
  });
});

describe("templates of the installation", () => {
  const config = {
    templates: {
      // As in Istio's guide to custom templates.
      custom:
        "spec:\n  containers:\n  - name: istio-proxy\n    env:\n    - name: GREETING\n      value: hello-{{ .ObjectMeta.Labels.app }}\n    - name: COUNT\n      value: {{ len .Spec.Containers }}\n",
      plain: "metadata:\n  labels:\n    plain: {{ .DeploymentMeta.Name | upper | quote }}\n",
    },
    aliases: { both: ["sidecar", "custom"] },
  };

  it("are laid over each other in the order that a pod names", () => {
    for (const templates of ["sidecar,custom", "both", " sidecar , custom "]) {
      const pod = inject(annotated({ "inject.istio.io/templates": templates }), { config });
      assert.deepEqual([env(pod, "GREETING"), env(pod, "COUNT")], ["hello-web", "1"]);
      assert.equal(env(pod, "ISTIO_META_APP_CONTAINERS"), "web");
    }
    const pod = inject(POD, { config: { ...config, defaultTemplates: ["plain"] } });
    assert.deepEqual([names(pod, "containers"), pod.metadata?.labels?.plain], [["web"], "WEB-1"]);
  });

  it("are named when a pod asks for one that is not there", () => {
    const pod = annotated({ "inject.istio.io/templates": "sidecar,other" });
    assert.throws(
      () => inject(pod, { config }),
      /no injection template "other"; there are sidecar, gateway, grpc-agent, grpc-simple, custom, plain/,
    );
  });

  it("are named with the line when they fail", () => {
    const failing = { templates: { sidecar: 'a: 1\nb: {{ fail "not here" }}' } };
    assert.throws(() => inject(POD, { config: failing }), /injection template templates\.sidecar: line 2: not here/);
  });

  it("add annotations to each pod", () => {
    const pod = inject(POD, {
      config: { injectedAnnotations: { "container.apparmor/istio-proxy": "runtime/default" } },
    });
    assert.equal(pod.metadata?.annotations?.["container.apparmor/istio-proxy"], "runtime/default");
  });

  it("may be Istio 1.1's, with its delimiters and its form", () => {
    const template = [
      "rewriteAppHTTPProbe: false",
      "initContainers:",
      '[[ if ne (annotation .ObjectMeta `sidecar.istio.io/interceptionMode` .ProxyConfig.InterceptionMode) "NONE" ]]',
      "- name: istio-init",
      "  image: old/proxy_init:1.1",
      '  args: ["-p", [[ .MeshConfig.ProxyListenPort ]], "-u", 1337, "-b", "[[ includeInboundPorts .Spec.Containers ]]"]',
      "  restartPolicy: Always",
      "[[ end -]]",
      "containers:",
      "- name: istio-proxy",
      '  args: ["--serviceCluster", "[[ .DeploymentMeta.Name ]].$(POD_NAMESPACE)"]',
      "volumes: [{name: istio-certs}]",
    ].join("\n");
    const pod = inject(POD, { config: { policy: "enabled", template }, meshConfig: { proxyListenPort: 15_001 } });
    assert.deepEqual(container(pod, "istio-init"), {
      name: "istio-init",
      image: "old/proxy_init:1.1",
      args: ["-p", "15001", "-u", "1337", "-b", "80"],
    });
    assert.deepEqual(container(pod, "istio-proxy").args, ["--serviceCluster", "web-1.$(POD_NAMESPACE)"]);
  });
});

describe("a configuration that cannot be used", () => {
  const cases: readonly (readonly [config: object, message: RegExp])[] = [
    [{ polcy: "enabled" }, /unknown field polcy; known are policy/],
    [{ policy: "on" }, /policy: must be enabled or disabled, not "on"/],
    [{ templates: { x: "{{ if }" } }, /templates\.x: line 1: /],
    [{ templates: { x: 5 } }, /templates\.x: must be a string/],
    [{ defaultTemplates: ["nope"] }, /there is no template nope; there are sidecar, gateway/],
    [{ aliases: { a: ["nope"] } }, /there is no template nope/],
    [
      { neverInjectSelector: [{ matchExpressions: [{ key: "a", operator: "Is" }] }] },
      /neverInjectSelector\[0\]: must be a label selector/,
    ],
  ];
  for (const [config, message] of cases)
    it(JSON.stringify(config), () => assert.throws(() => parseInjectConfig(JSON.stringify(config)), message));

  it("does not mind the notice that today's charts have for older injectors", () => {
    const config = {
      template: "{{ Template_Version_And_Istio_Version_Mismatched_Check_Installation }}",
      templates: {},
    };
    assert.deepEqual(parseInjectConfig(JSON.stringify(config)).templates.keys().toArray(), [
      ...["sidecar", "gateway", "grpc-agent", "grpc-simple"],
    ]);
  });
});

describe("the object that users know a pod by", () => {
  const owned = (kind: string, name: string, labels = {}): Pod => ({
    metadata: { labels, ownerReferences: [{ apiVersion: "x/v1", kind, name, controller: true }] },
  });
  for (const [pod, kind, name] of [
    [owned("ReplicaSet", "web-5d4f"), "Deployment", "web"],
    [owned("ReplicaSet", "web-abc", { "rollouts-pod-template-hash": "abc" }), "Rollout", "web"],
    [owned("Job", "nightly-28312345"), "CronJob", "nightly"],
    [owned("Job", "once"), "Job", "once"],
    [owned("StatefulSet", "db"), "StatefulSet", "db"],
    [{ metadata: { generateName: "bare-" } }, "Pod", "bare"],
  ] as const)
    it(`${kind} ${name}`, () => assert.deepEqual([workloadOf(pod).kind, workloadOf(pod).name], [kind, name]));
});
