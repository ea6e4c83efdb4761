import { XebecError } from "@xebec/core-errors";
import { accepts, httpCall } from "@xebec/platform-http/call";
import { isServing } from "./grpc-probe.ts";
import { httpsStatus } from "./https-probe.ts";
import { isObject, portOf } from "./proxy-config-values.ts";

/** One probe of an app's container, which kubelet sends to the agent instead. */
export interface AppProbe {
  readonly port: number;
  readonly http?: { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  /** True: `http` is asked over TLS. */
  readonly tls?: boolean;
  /**
   * The service that is asked for by the gRPC health checking protocol. Without `http` and `grpc` a TCP connection is the probe.
   */
  readonly grpc?: { readonly service: string };
  readonly timeoutMs: number;
}

const KEY = /^\/app-(health\/[^/]+\/(livez|readyz|startupz)|lifecycle\/[^/]+\/(prestopz|poststartz))$/;

/**
 * Reads ISTIO_KUBE_APP_PROBERS: JSON, path → `{httpGet | tcpSocket | grpc, timeoutSeconds}` (docs/reference/platform.md §2.4).
 * @throws XebecError invalid_argument that names the path
 */
export function parseAppProbes(text: string): ReadonlyMap<string, AppProbe> {
  if (text === "") return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new XebecError("invalid_argument", "ISTIO_KUBE_APP_PROBERS is not JSON", { cause: error });
  }
  if (!isObject(value)) throw new XebecError("invalid_argument", "ISTIO_KUBE_APP_PROBERS is not a JSON object");
  return new Map(Object.entries(value).map(([path, probe]) => [path, parseProbe(path, probe)]));
}

function parseProbe(path: string, probe: unknown): AppProbe {
  if (!KEY.test(path) || !isObject(probe))
    throw new XebecError(
      "invalid_argument",
      `ISTIO_KUBE_APP_PROBERS: "${path}" is not /app-health/CONTAINER/readyz, livez or startupz, nor /app-lifecycle/CONTAINER/prestopz or poststartz`,
    );
  const timeoutMs = (typeof probe.timeoutSeconds === "number" ? probe.timeoutSeconds : 10) * 1_000;
  const what = `ISTIO_KUBE_APP_PROBERS ${path}`;
  if (isObject(probe.tcpSocket)) return { port: portOf(probe.tcpSocket.port, what), timeoutMs };
  if (isObject(probe.grpc)) {
    const service = typeof probe.grpc.service === "string" ? probe.grpc.service : "";
    return { port: portOf(probe.grpc.port, what), grpc: { service }, timeoutMs };
  }
  // The form of 1.1 is the action itself.
  const action = isObject(probe.httpGet) ? probe.httpGet : probe;
  const headers = Array.isArray(action.httpHeaders) ? action.httpHeaders.filter(isObject) : [];
  return {
    port: portOf(action.port, what),
    http: {
      path:
        typeof action.path === "string" && action.path.startsWith("/") ? action.path : `/${String(action.path ?? "")}`,
      headers: Object.fromEntries(headers.map(({ name, value }) => [String(name), String(value)])),
    },
    ...(action.scheme === "HTTPS" ? { tls: true } : {}),
    timeoutMs,
  };
}

/** Asks the app. @param host where its container listens. @returns the status to relay; 500 when it does not answer */
export async function probeApp({ port, http, tls, grpc, timeoutMs }: AppProbe, host: string): Promise<number> {
  if (grpc) return (await isServing(host, port, grpc.service, timeoutMs)) ? 200 : 500;
  if (http && tls) return (await httpsStatus(host, port, http, timeoutMs)) ?? 500;
  if (!http) return (await accepts(host, port, timeoutMs)) ? 200 : 500;
  try {
    return (await httpCall({ host, port }, http.path, { timeoutMs, headers: http.headers, maxBytes: 10 << 20 })).status;
  } catch {
    return 500; // for a probe, no answer is an answer: the app is not well
  }
}
