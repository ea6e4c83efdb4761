import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { readYaml } from "@xebec/core-yaml";
import type { AgentEnvironment } from "@xebec/platform-envoy";
import { POD_UID_ENV, RUN_ID_ENV } from "@xebec/platform-process";
import { containerCommand, NODE_ENVIRONMENT } from "./images.ts";
import type { ContainerSpec } from "./manifest-objects.ts";
import { containerEnvironment, expand, type PodFacts } from "./pod-environment.ts";
import type { PodHost } from "./pod-host.ts";
import { containerRoot } from "./pod-volumes.ts";
import type { ProcessSpec } from "./process-spec.ts";
import type { PodState } from "./state-file.ts";

/** The container that is a pod's proxy. */
export const PROXY = "istio-proxy";
const HTTP_PROXY_PORT = 15002;

/** A pod whose containers are started. */
export interface PodPlace {
  readonly state: PodState;
  readonly facts: PodFacts;
  /** Where its containers listen. */
  readonly appIp: string;
  readonly directory: string;
  readonly hasProxy: boolean;
}

/**
 * What runs as a container of a pod.
 * @throws XebecError invalid_argument for an image that does not run here, or a reference that leads nowhere
 */
export function containerProcess(host: PodHost, pod: PodPlace, container: ContainerSpec): ProcessSpec {
  const { namespace, name, uid } = pod.state;
  const isProxy = container.name === PROXY;
  const own = containerEnvironment(container, pod.facts);
  const [file, ...args] = containerCommand(container, host.root);
  const env = {
    ...host.baseEnv,
    ...(file === process.execPath ? NODE_ENVIRONMENT : {}),
    ...(isProxy ? {} : appEnvironment(host, pod)),
    ...own,
    ...(isProxy ? setVariables(proxyEnvironment(host, pod, container, own.PROXY_CONFIG)) : {}),
    [RUN_ID_ENV]: host.runId,
    [POD_UID_ENV]: uid,
  };
  return {
    name: `pod/${namespace}/${name}/${container.name}`,
    command: [file, ...args.map((each) => expand(each, env))],
    env,
    cwd: containerRoot(pod.directory, container),
    logFile: join(host.runDir, "logs", `${namespace}.${name}.${container.name}.log`),
    // An agent that was killed leaves its Envoy serving.
    ...(isProxy ? { leavesChildren: true, portEnv: [POD_UID_ENV, uid] as const } : {}),
  };
}

/** What containers need to reach the mesh through their proxy. */
function appEnvironment(host: PodHost, { state, facts, appIp, hasProxy }: PodPlace): Record<string, string> {
  const proxy = `http://${facts.ip}:${HTTP_PROXY_PORT}`;
  const env: Record<string, string> = { BIND_ADDRESS: appIp, HOSTNAME: state.name };
  if (hasProxy)
    Object.assign(env, {
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      NO_PROXY: "localhost,127.0.0.1",
      no_proxy: "localhost,127.0.0.1",
      NODE_USE_ENV_PROXY: "1",
    });
  for (const service of host.services(state.namespace)) {
    const name = service.metadata.name.toUpperCase().replaceAll("-", "_");
    const [port] = service.ports;
    if (port) Object.assign(env, { [`${name}_SERVICE_HOST`]: facts.ip, [`${name}_SERVICE_PORT`]: String(port.port) });
  }
  return env;
}

function proxyEnvironment(
  { caAddress, discoveryAddress, proxyConfig }: PodHost,
  { state, facts, appIp }: PodPlace,
  container: ContainerSpec,
  ownConfig = "{}",
): AgentEnvironment {
  const isRouter = container.args?.includes("router") === true;
  return {
    CA_ADDR: caAddress,
    PROXY_CONFIG: JSON.stringify({ ...proxyConfig, ...mapOf(ownConfig), discoveryAddress }),
    INSTANCE_IP: facts.ip,
    POD_NAME: state.name,
    POD_NAMESPACE: state.namespace,
    SERVICE_ACCOUNT: facts.serviceAccount,
    ISTIO_META_WORKLOAD_NAME: state.deployment,
    ISTIO_META_INTERCEPTION_MODE: "NONE",
    ISTIO_META_APP_ADDRESS: appIp,
    // The ingress gateway is for programs of this machine that are not of the mesh; all others listen where their endpoints are.
    ISTIO_META_GATEWAY_BIND: isRouter && isIngress(facts) ? "127.0.0.1" : undefined,
    ISTIO_META_HTTP_PROXY_PORT: isRouter ? undefined : String(HTTP_PROXY_PORT),
  };
}

/** Whether a router is the ingress gateway, by the labels of Istio's charts. */
function isIngress({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return labels.istio === "ingressgateway" || labels.app === "istio-ingressgateway";
}

/** The variables that are set. */
function setVariables(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((each): each is [string, string] => each[1] !== undefined),
  );
}

/** @throws XebecError invalid_argument when the text is not a map in YAML or JSON */
function mapOf(text: string): Record<string, unknown> {
  const value: unknown = readYaml(text) ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new XebecError("invalid_argument", "PROXY_CONFIG of the container istio-proxy must be a map");
}
