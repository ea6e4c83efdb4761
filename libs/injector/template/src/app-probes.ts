import type { Container } from "./pod.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What kubelet asks of a container, and the agent's path that stands for it. */
const PROBES = [
  ["readinessProbe", "readyz"],
  ["livenessProbe", "livez"],
  ["startupProbe", "startupz"],
] as const;
const HOOKS = [
  ["preStop", "prestopz"],
  ["postStart", "poststartz"],
] as const;

export interface RewrittenProbes {
  readonly containers: readonly Container[];
  /** What the agent has to ask, by path: the value of ISTIO_KUBE_APP_PROBERS. */
  readonly probers: Readonly<Record<string, unknown>>;
}

/**
 * Leads probes and hooks that ask a port of an app's container through the agent, as Istio's injector does: where mutual TLS is
 * strict, kubelet itself cannot pass the proxy. Commands stay, and so does what asks the agent already.
 * @param containers those of the app
 * @param statusPort the agent's port
 */
export function rewriteProbes(containers: readonly Container[], statusPort: number): RewrittenProbes {
  const probers: Record<string, unknown> = {};
  const rewritten = containers.map((container) => {
    const fields = container as unknown as Fields;
    const changed: Record<string, unknown> = {};
    for (const [name, end] of PROBES) {
      const probe = fields[name];
      if (!isFields(probe)) continue;
      const path = `/app-health/${container.name}/${end}`;
      const asked = askedBy(probe, container, statusPort);
      if (!asked) continue;
      probers[path] = { ...asked, ...(probe.timeoutSeconds ? { timeoutSeconds: probe.timeoutSeconds } : {}) };
      changed[name] = askAgent(probe, path, statusPort);
    }
    const lifecycle = isFields(fields.lifecycle) ? fields.lifecycle : {};
    const hooks: Record<string, unknown> = {};
    for (const [name, end] of HOOKS) {
      const hook = lifecycle[name];
      const asked = isFields(hook) && askedBy(hook, container, statusPort);
      if (!asked) continue;
      const path = `/app-lifecycle/${container.name}/${end}`;
      probers[path] = asked;
      hooks[name] = askAgent(hook, path, statusPort);
    }
    if (Object.keys(hooks).length > 0) changed.lifecycle = { ...lifecycle, ...hooks };
    return Object.keys(changed).length > 0 ? { ...container, ...changed } : container;
  });
  return { containers: rewritten, probers };
}

/** What is asked, with its port as a number; undefined when nothing is to be led through the agent. */
function askedBy(action: Fields, container: Container, statusPort: number): Fields | undefined {
  for (const name of ["httpGet", "tcpSocket", "grpc"] as const) {
    const asked = action[name];
    if (!isFields(asked)) continue;
    const port = portOf(asked.port, container);
    if (port === undefined || port === statusPort) return undefined;
    return { [name]: { ...asked, port } };
  }
  return undefined;
}

/** As kubelet has to ask: plain HTTP at the agent, whatever the app speaks. */
function askAgent(action: Fields, path: string, port: number): Fields {
  const { httpGet, tcpSocket: _tcp, grpc: _grpc, ...times } = action;
  const { httpHeaders } = isFields(httpGet) ? httpGet : {};
  return { ...times, httpGet: { path, port, scheme: "HTTP", ...(httpHeaders === undefined ? {} : { httpHeaders }) } };
}

function portOf(port: unknown, { ports }: Container): number | undefined {
  if (typeof port === "number") return port;
  if (typeof port === "string" && /^\d+$/.test(port)) return Number(port);
  return ports?.find((each) => each.name === port)?.containerPort;
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
