import { hash } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { readYaml, YamlError } from "@xebec/core-yaml";
import mustache from "mustache";
import { checkAnnotations } from "./annotations.ts";
import { rewriteProbes } from "./app-probes.ts";
import type { InjectConfig } from "./inject-config.ts";
import { mergeContainer, OVERRIDES, readOverrides } from "./own-container.ts";
import { type Container, type Pod, workloadOf } from "./pod.ts";
import { resourcesData } from "./proxy-resources.ts";
import type { InjectValues } from "./values.ts";

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

const STATUS = "sidecar.istio.io/status";
/** Whether kubelet's probes of the app go through the agent. */
const REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers";
const PROBERS = "ISTIO_KUBE_APP_PROBERS";
const PROXY = "istio-proxy";
const LISTS = ["initContainers", "containers", "volumes", "imagePullSecrets"] as const;
type ListName = (typeof LISTS)[number];
type Named = { readonly name: string };
type EnvVar = { readonly name: string; readonly value?: string };

interface Rendered {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Partial<Record<ListName, readonly Named[]>>;
}

/**
 * The patch that gives a pod its sidecar (docs/reference/platform.md §4.5). A pod that was injected before first loses
 * what the earlier injection added, so that the result is the same.
 * @throws XebecError invalid_argument for an annotation or template that cannot be used; then nothing is injected
 */
export function injectionPatch(
  pod: Pod,
  namespace: string,
  config: InjectConfig,
  values: InjectValues,
): PatchOperation[] {
  const annotations = pod.metadata?.annotations ?? {};
  checkAnnotations(annotations);
  const rendered = render(config.template, templateData(pod, namespace, values));
  const earlier = earlierStatus(annotations);
  const operations: PatchOperation[] = [];
  const overrides = readOverrides(annotations[OVERRIDES]);
  const users: Record<string, Named[]> = {};
  const status: Record<string, unknown> = { version: hash("sha256", config.template, "hex") };
  for (const list of LISTS) {
    const before = (pod.spec?.[list] ?? []) as readonly Named[];
    const added = (rendered.spec?.[list] ?? []).map((own) => {
      if (list !== "containers" && list !== "initContainers") return own;
      // What an earlier injection added is not the user's; what the user had written then stands in the annotation.
      const user = (earlier[list]?.includes(own.name) ? overrides[list] : before)?.find(
        (each) => each.name === own.name,
      );
      if (!user) return own;
      users[list] = [...(users[list] ?? []), user];
      return mergeContainer(own, user);
    });
    const kept = before.filter(
      (each) => !earlier[list]?.includes(each.name) && !added.some((own) => own.name === each.name),
    );
    status[list] = added.map((each) => each.name);
    const after = list === "containers" ? probedByAgent(kept, added, before, annotations, values) : [...kept, ...added];
    if (JSON.stringify(after) === JSON.stringify(before)) continue;
    operations.push({ op: pod.spec?.[list] ? "replace" : "add", path: `/spec/${list}`, value: after });
  }
  const labels = {
    ...rendered.metadata?.labels,
    ...pick(pod.metadata?.labels, [
      "security.istio.io/tlsMode",
      "service.istio.io/canonical-name",
      "service.istio.io/canonical-revision",
    ]),
  };
  operations.push(...mapPatch("/metadata/labels", pod.metadata?.labels, labels));
  operations.push(
    ...mapPatch("/metadata/annotations", pod.metadata?.annotations, {
      ...rendered.metadata?.annotations,
      ...(Object.keys(users).length > 0 ? { [OVERRIDES]: JSON.stringify(users) } : {}),
      [STATUS]: JSON.stringify(status),
    }),
  );
  return operations;
}

/** The containers, with the app's probes led through the agent where that is wanted. */
function probedByAgent(
  apps: readonly Named[],
  own: readonly Named[],
  before: readonly Named[],
  annotations: Readonly<Record<string, string>>,
  values: InjectValues,
): readonly Named[] {
  const statusPort = Number(
    annotations["status.sidecar.istio.io/port"] ?? proxyConfigOf(annotations).statusPort ?? 15_020,
  );
  const isWanted = (annotations[REWRITE] ?? values.rewriteAppHTTPProbe) === "true" && statusPort > 0;
  if (!isWanted) return [...apps, ...own];
  const { containers, probers } = rewriteProbes(apps, statusPort);
  // An earlier injection has changed the probes already: what they were stands in its proxy only.
  const earlier = before.find(({ name }) => name === PROXY) as { env?: readonly EnvVar[] } | undefined;
  const all = { ...readProbers(earlier?.env?.find(({ name }) => name === PROBERS)?.value), ...probers };
  if (Object.keys(all).length === 0) return [...apps, ...own];
  const value: EnvVar = { name: PROBERS, value: JSON.stringify(all) };
  return [
    ...containers,
    ...own.map((each) => {
      if (each.name !== PROXY) return each;
      const { env = [] } = each as { env?: readonly EnvVar[] };
      return { ...each, env: [...env.filter(({ name }) => name !== PROBERS), value] };
    }),
  ];
}

/** @throws XebecError invalid_argument */
function readProbers(text: string | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below: a text that is not a map is as little good.
  }
  throw new XebecError("invalid_argument", `${PROBERS} of the container ${PROXY} is not a map in JSON; remove it`);
}

function templateData(pod: Pod, namespace: string, values: InjectValues): Record<string, unknown> {
  const annotations = pod.metadata?.annotations ?? {};
  const labels = pod.metadata?.labels ?? {};
  const workload = workloadOf(pod);
  const containers: readonly Container[] = (pod.spec?.containers ?? []).filter((each) => each.name !== "istio-proxy");
  const interceptionMode = annotations["sidecar.istio.io/interceptionMode"] ?? values.interceptionMode;
  const statusPort = optionalNumber(annotations["status.sidecar.istio.io/port"]);
  const owner =
    workload.kind === "Pod"
      ? `kubernetes://apis/v1/namespaces/${namespace}/pods/${workload.name}`
      : `kubernetes://apis/${workload.apiVersion}/namespaces/${namespace}/${workload.kind.toLowerCase()}s/${workload.name}`;
  return {
    values,
    captured: interceptionMode !== "NONE",
    tproxy: interceptionMode === "TPROXY",
    interceptionMode,
    proxyImage: annotations["sidecar.istio.io/proxyImage"] ?? values.proxyImage,
    logLevel: annotations["sidecar.istio.io/logLevel"] ?? values.logLevel,
    concurrency: values.concurrency,
    proxyCpu: annotations["sidecar.istio.io/proxyCPU"] ?? values.proxyCpu,
    proxyMemory: annotations["sidecar.istio.io/proxyMemory"] ?? values.proxyMemory,
    ...resourcesData(annotations, values),
    // Port 0 means that there is nothing to ask.
    probed: statusPort !== 0,
    probeDelay: Number(annotations["readiness.status.sidecar.istio.io/initialDelaySeconds"] ?? 0),
    probePeriod: Number(annotations["readiness.status.sidecar.istio.io/periodSeconds"] ?? 15),
    probeFailures: Number(annotations["readiness.status.sidecar.istio.io/failureThreshold"] ?? 4),
    includeOutboundIPRanges: annotations["traffic.sidecar.istio.io/includeOutboundIPRanges"] ?? "*",
    excludeOutboundIPRanges: annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"] ?? "",
    includeInboundPorts: annotations["traffic.sidecar.istio.io/includeInboundPorts"] ?? "*",
    excludeInboundPorts: [
      "15090",
      "15021",
      annotations["traffic.sidecar.istio.io/excludeInboundPorts"],
      String(statusPort || 15020),
    ]
      .filter(Boolean)
      .join(","),
    excludeOutboundPorts: annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] ?? "",
    proxyConfig: JSON.stringify({
      discoveryAddress: values.discoveryAddress,
      ...proxyConfigOf(annotations),
      ...(statusPort ? { statusPort } : {}),
    }),
    workloadName: workload.name,
    owner,
    canonicalName: labelText(labels["app.kubernetes.io/name"] ?? labels.app ?? workload.name),
    canonicalRevision: labels["app.kubernetes.io/version"] ?? labels.version ?? "latest",
    podPorts: JSON.stringify(containers.flatMap((each) => each.ports ?? [])),
    appContainers: containers.map((each) => each.name).join(","),
    // What an earlier injection noted is not the user's.
    annotationsJson: JSON.stringify(
      Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== STATUS && name !== OVERRIDES)),
    ),
  };
}

/** The pod's own ProxyConfig, from Istio's annotation `proxy.istio.io/config`. */
function proxyConfigOf(annotations: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = annotations["proxy.istio.io/config"];
  if (!text) return {};
  let value: unknown;
  try {
    value = readYaml(text);
  } catch (error) {
    const message = error instanceof YamlError ? error.text : String(error);
    throw new XebecError("invalid_argument", `annotation proxy.istio.io/config: ${message}`);
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", "annotation proxy.istio.io/config: must be a map in YAML");
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** A name in the form that a label's value may have. */
function labelText(name: string): string {
  return name.slice(0, 63).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

function render(template: string, data: Record<string, unknown>): Rendered {
  try {
    // Every text becomes a JSON text, which YAML reads as a quoted scalar: nothing in a pod can change the structure. Only what
    // was made a number above stands as one.
    const quoted = (value: unknown): string => JSON.stringify(typeof value === "number" ? value : String(value));
    const text = mustache.render(template, data, {}, { escape: quoted });
    return (readYaml(text) ?? {}) as Rendered;
  } catch (error) {
    throw new XebecError(
      "invalid_argument",
      `the injection template cannot be used: ${error instanceof YamlError ? error.text : (error as Error).message.split("\n")[0]}`,
      { cause: error },
    );
  }
}

function earlierStatus(annotations: Readonly<Record<string, string>>): Partial<Record<ListName, readonly string[]>> {
  const text = annotations[STATUS];
  if (!text) return {};
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `annotation ${STATUS}: is not JSON; remove it`, { cause: error });
  }
  // Whoever makes the pod may write anything here: what names nothing is as good as nothing.
  if (status === null || typeof status !== "object") return {};
  const lists = status as Record<string, unknown>;
  const names = (list: ListName): string[] =>
    Array.isArray(lists[list]) ? lists[list].filter((each) => typeof each === "string") : [];
  return Object.fromEntries(LISTS.map((list) => [list, names(list)]));
}

function mapPatch(
  path: string,
  before: Readonly<Record<string, string>> | undefined,
  added: Readonly<Record<string, string>>,
): PatchOperation[] {
  if (!before) return [{ op: "add", path, value: added }];
  return Object.entries(added)
    .filter(([key, value]) => before[key] !== value)
    .map(([key, value]) => ({
      op: key in before ? ("replace" as const) : ("add" as const),
      path: `${path}/${escapePointer(key)}`,
      value,
    }));
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function pick(map: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => (map?.[key] === undefined ? [] : [[key, map[key]]])));
}
