import { XebecError } from "@xebec/core-errors";
import { PROFILES, profileOf } from "./profiles.ts";
import { isTree, merged, type Tree } from "./set-flag.ts";

/** A release of Helm: a chart with its values. */
export interface Release {
  readonly name: string;
  readonly chart: "crds" | "control-plane" | "gateway" | "addons";
  readonly values: Tree;
}

/** Where the control plane is when nothing says it. */
export const SYSTEM_NAMESPACE = "istio-system";

/** What is installed. */
export interface Installation {
  readonly profile: string;
  readonly namespace: string;
  readonly releases: readonly Release[];
  /** What was asked for and is left out, and why. */
  readonly warnings: readonly string[];
}

/** Components of today's Istio, and the values that switch ours. */
const COMPONENTS: Readonly<Record<string, readonly string[]>> = { pilot: ["pilot"], base: [], istiodRemote: [] };
/** Istio's names of our own components (1.4 to 1.6 had them, too). */
const OWN: Readonly<Record<string, readonly string[]>> = {
  citadel: ["security"],
  galley: ["galley"],
  sidecarInjector: ["sidecarInjectorWebhook"],
  policy: ["mixer", "policy"],
  telemetry: ["mixer", "telemetry"],
};
/** Fields of `k8s` that the charts have, and the values that they are. */
const K8S: Readonly<Record<string, string>> = {
  ...{ resources: "resources", replicaCount: "replicaCount", nodeSelector: "nodeSelector", tolerations: "tolerations" },
  ...{ affinity: "affinity", podAnnotations: "podAnnotations" },
};
/** Values of today's Istio that its charts have and ours do not. */
const IGNORED_VALUES: ReadonlySet<string> = new Set([
  "base",
  "defaultRevision",
  "telemetry",
  "experimental",
  "gateways",
]);

/**
 * What an IstioOperator asks for, in terms of our charts.
 * @param spec of the object, with `--set` in it
 * @throws XebecError invalid_argument for what cannot be installed at all
 */
export function installationOf(spec: Tree): Installation {
  const warnings: string[] = [];
  const name = String(spec.profile ?? "default");
  const profile = profileOf(name);
  if (!profile)
    throw new XebecError(
      "invalid_argument",
      `profile: there is no profile "${name}"; there are ${Object.keys(PROFILES).join(", ")}`,
    );
  const namespace = String(spec.namespace ?? SYSTEM_NAMESPACE);
  const global: Tree = {};
  if (spec.hub !== undefined) global.hub = spec.hub;
  if (spec.tag !== undefined) global.tag = String(spec.tag);
  const values = valuesOf(spec, warnings);
  const components = isTree(spec.components) ? spec.components : {};
  const control = merged(
    merged({ profile: profile.chartProfile, global }, componentValues(components, warnings)),
    values,
  );
  if (isTree(spec.meshConfig))
    control.meshConfig = merged(spec.meshConfig, isTree(control.meshConfig) ? control.meshConfig : {});
  if (spec.revision) control.revision = spec.revision;
  for (const field of Object.keys(spec))
    if (!FIELDS.has(field)) warnings.push(`${field}: is not a field of IstioOperator`);
  for (const field of ["installPackagePath", "compatibilityVersion", "addonComponents"])
    if (spec[field] !== undefined) warnings.push(`${field}: is not supported and left out`);

  const gateways = (["ingress", "egress"] as const).flatMap((kind) =>
    gatewaysOf(kind, components, profile.gateways.includes(kind), { global, values, namespace }, warnings),
  );
  return {
    profile: name,
    namespace,
    warnings,
    releases: [
      { name: "xebec-crds", chart: "crds", values: {} },
      ...(profile.empty ? [] : [{ name: "xebec", chart: "control-plane" as const, values: control }]),
      ...gateways,
      ...(profile.addons ? [{ name: "xebec-addons", chart: "addons" as const, values: profile.addons }] : []),
    ],
  };
}

const FIELDS: ReadonlySet<string> = new Set([
  ...["profile", "namespace", "hub", "tag", "revision", "meshConfig", "components", "values", "unvalidatedValues"],
  ...["installPackagePath", "compatibilityVersion", "addonComponents"],
]);

function valuesOf(spec: Tree, warnings: string[]): Tree {
  const all = merged(
    isTree(spec.values) ? spec.values : {},
    isTree(spec.unvalidatedValues) ? spec.unvalidatedValues : {},
  );
  const known: Tree = {};
  for (const [name, value] of Object.entries(all))
    if (IGNORED_VALUES.has(name)) warnings.push(`values.${name}: is not supported and left out`);
    else known[name] = value;
  return known;
}

function componentValues(components: Tree, warnings: string[]): Tree {
  let values: Tree = {};
  for (const [name, given] of Object.entries(components)) {
    if (name === "ingressGateways" || name === "egressGateways" || !isTree(given)) continue;
    const path = COMPONENTS[name] ?? OWN[name];
    if (!path) {
      const wanted = given.enabled === true;
      if (name === "cni" && wanted) values = merged(values, { istio_cni: { enabled: true } });
      else if (wanted) warnings.push(`components.${name}: there is no such component here; it is left out`);
      continue;
    }
    if (path.length === 0) continue;
    const own: Tree = given.enabled === undefined ? {} : { enabled: given.enabled };
    Object.assign(own, k8sValues(given, `components.${name}`, warnings));
    values = merged(
      values,
      path.reduceRight<Tree>((inner, key) => ({ [key]: inner }), own),
    );
  }
  return values;
}

function k8sValues(component: Tree, where: string, warnings: string[]): Tree {
  const values: Tree = {};
  for (const [name, value] of Object.entries(isTree(component.k8s) ? component.k8s : {})) {
    const own = K8S[name];
    if (own) values[own] = value;
    else if (name === "env" && Array.isArray(value)) {
      const plain = value.filter((each) => isTree(each) && each.value !== undefined) as Tree[];
      values.env = Object.fromEntries(plain.map((each) => [String(each.name), String(each.value)]));
      if (plain.length < value.length) warnings.push(`${where}.k8s.env: only variables with a value are taken over`);
    } else if (name === "hpaSpec" && isTree(value)) {
      if (value.minReplicas !== undefined) values.autoscaleMin = value.minReplicas;
      if (value.maxReplicas !== undefined) values.autoscaleMax = value.maxReplicas;
    } else if (name === "serviceAnnotations" || name === "service") continue;
    else warnings.push(`${where}.k8s.${name}: is not supported and left out`);
  }
  return values;
}

function gatewaysOf(
  kind: "ingress" | "egress",
  components: Tree,
  byDefault: boolean,
  { global, values, namespace }: { readonly global: Tree; readonly values: Tree; readonly namespace: string },
  warnings: string[],
): Release[] {
  const usual = `istio-${kind}gateway`;
  const field = `${kind}Gateways`;
  const given = Array.isArray(components[field]) ? (components[field] as unknown[]).filter(isTree) : [];
  const list = given.some(({ name }) => (name ?? usual) === usual)
    ? given
    : [{ name: usual, enabled: byDefault }, ...given];
  return list
    .filter(({ enabled }) => enabled !== false)
    .map((each): Release => {
      const name = String(each.name ?? usual);
      const where = `components.${field}[${name}]`;
      if (each.namespace !== undefined && each.namespace !== namespace)
        warnings.push(
          `${where}.namespace: gateways are installed in ${namespace}; use the chart gateway for another namespace`,
        );
      const k8s = isTree(each.k8s) ? each.k8s : {};
      const service = isTree(k8s.service) ? k8s.service : {};
      const taken = Object.fromEntries(
        ["type", "ports", "loadBalancerIP", "loadBalancerSourceRanges", "externalIPs", "externalTrafficPolicy"].flatMap(
          (key) => (service[key] === undefined ? [] : [[key, service[key]]]),
        ),
      );
      const own = isTree(values.global) ? merged(global, values.global) : global;
      return {
        name,
        chart: "gateway",
        values: {
          kind,
          ...(namespace === SYSTEM_NAMESPACE ? {} : { istioNamespace: namespace }),
          ...(own.hub === undefined ? {} : { hub: own.hub }),
          ...(own.tag === undefined ? {} : { tag: own.tag }),
          ...(own.imagePullPolicy === undefined ? {} : { imagePullPolicy: own.imagePullPolicy }),
          ...(isTree(each.label) ? { labels: each.label } : {}),
          ...k8sValues(each, where, warnings),
          service: { ...taken, ...(isTree(k8s.serviceAnnotations) ? { annotations: k8s.serviceAnnotations } : {}) },
        },
      };
    });
}
