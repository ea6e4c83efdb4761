import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CitadelConfig } from "@xebec/citadel-server";
import { waitFor } from "@xebec/core-async";
import { type ConfigSpec, loadConfig } from "@xebec/core-config";
import { readManifest } from "@xebec/core-yaml";
import { GalleyConfig } from "@xebec/galley-server";
import { parseMeshConfig, parseMeshNetworks } from "@xebec/galley-validate";
import { InjectorConfig } from "@xebec/injector-server";
import { PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import { PilotConfig } from "@xebec/pilot-xds-server";
import { type Kube, startKube } from "@xebec/testing-kube";
import { IstiodConfig, serviceConfigs, splitArguments } from "../../apps/istiod/src/config.ts";
import { chart, helm, helmMissing } from "./helm.testkit.ts";

const skip = helmMissing();
const NAMESPACE = ["--namespace", "istio-system"];
const PROFILES = ["default", "minimal", "demo", "remote", "ha", "istiod"];
const PATHS = { stateDir: "/var/lib/xebec", tokenFile: "/token", rootFile: "/root-cert.pem" };
const SERVICES: Readonly<Record<string, ConfigSpec>> = {
  "istio-pilot": PilotConfig,
  "istio-citadel": CitadelConfig,
  "istio-galley": GalleyConfig,
  "istio-sidecar-injector": InjectorConfig,
  "istio-policy": PolicyConfig,
  "istio-telemetry": TelemetryConfig,
};
/** Components that each profile and each switch leaves. */
const TOGGLES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  ["pilot", "security", "galley", "sidecarInjectorWebhook", "mixer.policy", "mixer.telemetry"].map((alone) => [
    alone,
    [
      ...["pilot", "security", "galley", "sidecarInjectorWebhook", "mixer.policy", "mixer.telemetry", "nats"]
        .filter((each) => each !== alone)
        .flatMap((each) => ["--set", `${each}.enabled=false`]),
    ],
  ]),
);

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec: { readonly containers: readonly { args: string[] }[] } } };
}

const rendered = new Map<string, Promise<string>>();
const render = (name: string, ...args: string[]): Promise<string> => {
  const key = [name, ...args].join(" ");
  const found = rendered.get(key) ?? helm(["template", "xebec", chart(name), ...NAMESPACE, ...args]);
  rendered.set(key, found);
  return found;
};
const objectsOf = (text: string): KubeObject[] => {
  const { objects, errors } = readManifest(text);
  assert.deepEqual(errors, []);
  return objects.map(({ value }) => value as unknown as KubeObject);
};

/** An adapter over gRPC, and one on the bus. */
const EXTERNAL = [
  "--set",
  ["name=keys,image=cli,serve=/keys", "name=shared,image=registry.example.com/keys:1,bus=true"]
    .flatMap((each, i) => each.split(",").map((pair) => `mixer.adapters.external[${i}].${pair}`))
    .join(","),
];

const VARIANTS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ...PROFILES.map((profile): [string, string[]] => [`the profile ${profile}`, ["--set", `profile=${profile}`]]),
  ...Object.entries(TOGGLES).map(([name, args]): [string, readonly string[]] => [`${name} alone`, args]),
];

describe("the chart of the control plane", { skip }, () => {
  for (const [name, args] of VARIANTS)
    it(`starts the services of ${name} with flags that they have, and a mesh configuration that they take`, async () => {
      const objects = objectsOf(await render("control-plane", ...args));
      const deployments = objects.filter(({ kind }) => kind === "Deployment");
      assert.ok(deployments.length > 0);
      for (const { metadata, spec } of deployments) {
        const args = spec?.template?.spec.containers[0]?.args ?? [];
        if (metadata.name !== "istiod") loadConfig(SERVICES[metadata.name] as ConfigSpec, args, {});
        else {
          const { own, ofServices } = splitArguments(args);
          serviceConfigs(loadConfig(IstiodConfig, own, {}).config, PATHS, ofServices);
        }
      }
      const mesh = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "istio")?.data;
      if (mesh) {
        parseMeshConfig(mesh.mesh ?? "", "mesh");
        parseMeshNetworks(mesh.meshNetworks ?? "", "meshNetworks");
      }
    });

  for (const [what, args, message] of [
    ["a part of istiod", ["--set", "profile=istiod,galley.enabled=false"], /galley\.enabled: istiod has all services/],
    ["a bus beside istiod", ["--set", "istiod.enabled=true"], /set nats\.enabled=false/],
    ["two istiods that write conditions", ["--set", "profile=istiod,istiod.replicaCount=2"], /writeStatus=false/],
    ["a profile that there is not", ["--set", "profile=dmo"], /profile.*'default', 'minimal'/s],
    [
      "values of Istio 1.1 that it does not have, and says what to write",
      ["--set", "global.sds.enabled=false,pilot.podAntiAffinityLabelSelector={a},gateways.enabled=true"],
      /pilot\.podAntiAffinityLabelSelector: write the component's affinity\ngateways: install the chart gateway.*\nglobal\.sds: /,
    ],
    ["attributes without workloads", ["--set", "mixer.adapters.kubernetesenv.enabled=false"], /are always there/],
    ["a typo", ["--set", "pilot.replicacount=2"], /additional properties 'replicacount' not allowed/],
    ["a typo in an adapter", ["--set", "mixer.adapters.external[0].nam=a"], /'nam' not allowed/],
    ["an adapter on a bus that there is not", ["--set", "profile=istiod", ...EXTERNAL], /there is no bus/],
    ["a canary without a revision", ["--set", "canaryOf=elsewhere"], /set revision=canary/],
    ["an option that a service does not have", ["--set", "pilot.options.grpcadr=a"], /'grpcadr' not allowed/],
    ["a bus that nobody makes keys for", ["--set", "security.enabled=false"], /xebec bus-keys/],
  ] as const)
    it(`refuses ${what}`, () =>
      assert.rejects(helm(["template", "x", chart("control-plane"), ...NAMESPACE, ...args]), message));

  it("runs adapters from outside by the flags of xebec adapter serve", async () => {
    const objects = objectsOf(await render("control-plane", "-s", "templates/adapters.yaml", ...EXTERNAL));
    assert.deepEqual(
      objects.map(({ kind, metadata, spec }) => [kind, metadata.name, spec?.template?.spec.containers[0]?.args]),
      [
        ["Service", "keys", undefined],
        ["Deployment", "keys", ["adapter", "serve", "/keys", "--monitoring=0.0.0.0:15014", "--address=0.0.0.0:9080"]],
        [
          ...["Deployment", "shared"],
          [
            "--monitoring=0.0.0.0:15014",
            "--bus=nats://xebec-nats.istio-system.svc:4222",
            "--bus-seed-file=/etc/xebec/bus/seed",
            "--bus-ca-file=/etc/xebec/bus-ca/ca.crt",
          ],
        ],
      ],
    );
  });

  it("names no other namespace than its own", async () => {
    for (const profile of PROFILES) {
      const args = ["--namespace", "mesh-system", "--set", `profile=${profile}`];
      const text = await helm(["template", "xebec", chart("control-plane"), ...args]);
      assert.doesNotMatch(text, /istio-system/, profile);
    }
  });

  it("puts the user's values above those of the profile, and these above the defaults", async () => {
    const text = await render("control-plane", "--set", "profile=demo,pilot.traceSampling=7");
    assert.match(text, /sampling: 7/);
    assert.match(text, /accessLogFile: \/dev\/stdout/);
    assert.match(text, /--keepaliveMaxServerConnectionAge=30m/);
  });
});

describe("the charts on a real API server", { skip }, () => {
  let kube: Kube;
  let before_: ReadonlySet<string>;

  /** Everything that is stored, but what Kubernetes makes by itself. */
  async function inventory(): Promise<Set<string>> {
    const kinds = (await kube.kubectl(["api-resources", "--verbs=list,delete", "-o", "name"])).trim().split("\n");
    const kept = kinds.filter((each) => !/^(events|endpoints|leases|pods|replicasets|controllerrevisions)/.test(each));
    const names = await kube.kubectl(["get", kept.join(","), "-A", "-o", "name", "--ignore-not-found"]);
    return new Set(names.trim().split("\n"));
  }

  before(async () => {
    kube = await startKube();
    await helm(["install", "xebec-crds", chart("crds"), "--wait"], kube);
    await kube.kubectl(["create", "namespace", "istio-system"]);
    // What breaks the strictest standard for pods is not started at all.
    await kube.kubectl(["label", "ns", "istio-system", "pod-security.kubernetes.io/enforce=restricted"]);
    await waitFor("the namespace's own objects", 60_000, () =>
      kube.kubectl(["-n", "istio-system", "get", "sa/default", "cm/kube-root-ca.crt"]),
    );
    before_ = await inventory();
  });
  after(() => kube?.close());

  for (const [name, args] of [
    ...VARIANTS.map(([name, args]) => [name, ["control-plane", ...args]] as const),
    ["an ingress gateway", ["gateway"]],
    ["an egress gateway", ["gateway", "--set", "kind=egress,networkPolicy.enabled=true,autoscaleMin=2"]],
    ["a canary", ["control-plane", "--set", "revision=canary,canaryOf=default"]],
    ["adapters from outside", ["control-plane", ...EXTERNAL]],
    ["all addons", ["addons", "--set", "grafana.enabled=true,tracing.enabled=true"]],
  ] as const)
    it(`are accepted whole: ${name}`, async () => {
      const [which = "", ...rest] = args;
      await kube.kubectl(["apply", "--dry-run=server", "-f", "-"], await render(which, ...rest));
    });

  it("are installed, changed, taken back, and leave nothing but the definitions", async () => {
    const run = (...args: string[]): Promise<string> => helm([...args, ...NAMESPACE], kube);
    assert.match(await run("install", "xebec", chart("control-plane")), /Next:\n.*xebec verify-install/);
    await run("install", "istio-ingressgateway", chart("gateway"));
    await run("install", "addons", chart("addons"), "--set", "grafana.enabled=true,tracing.enabled=true");
    const deployments = async () => {
      const { items } = JSON.parse(await kube.kubectl(["get", "deploy", ...NAMESPACE, "-o", "json"]));
      return items as readonly { metadata: { name: string }; spec: never; status: Record<string, unknown> }[];
    };
    // Nothing runs here; that pods are made at all shows that admission takes them.
    await waitFor("a pod of every Deployment", 60_000, async () => {
      const list = await deployments();
      return list.length === 10 && list.every(({ status }) => Number(status.replicas) > 0);
    });

    // Somebody else's field stays, as the caBundle that the injector writes.
    const bundle = JSON.stringify([{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: "YQ==" }]);
    const webhook = ["mutatingwebhookconfiguration", "istio-sidecar-injector"];
    await kube.kubectl(["patch", ...webhook, "--type=json", "-p", bundle]);
    const logLevel = async (): Promise<string> =>
      kube.kubectl(["get", ...NAMESPACE, "cm/istio", "-o", "jsonpath={.data.mesh}"]);
    await run("upgrade", "xebec", chart("control-plane"), "--set", "global.proxy.accessLogFile=/dev/stdout");
    assert.match(await logLevel(), /accessLogFile: \/dev\/stdout/);
    await run("rollback", "xebec", "1");
    assert.doesNotMatch(await logLevel(), /accessLogFile/);
    assert.match(await kube.kubectl(["get", ...webhook, "-o", "json"]), /"caBundle": "YQ=="/);

    for (const release of ["addons", "istio-ingressgateway", "xebec"]) await run("uninstall", release);
    let left: readonly string[] = [];
    await waitFor("everything is gone", 60_000, async () => {
      left = [...(await inventory())].filter((each) => !before_.has(each));
      return left.length === 0;
    }).catch((error: Error) => assert.fail(`${error.message}: ${left.join(", ")}`));
  });
});
