import { XebecError } from "@xebec/core-errors";
import { isObject, portOf } from "../proxy-config-values.ts";

/** How the agent finds out whether its workload is well: `readinessProbe` of ProxyConfig (docs/reference/pilot.md §1.8). */
export interface ReadinessProbe {
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  /** How many probes in a row say something new before it counts. */
  readonly successThreshold: number;
  readonly failureThreshold: number;
  readonly action: ProbeAction;
}

/** What a probe does. Without a host it asks where the workload listens. */
export type ProbeAction =
  | {
      readonly sort: "http";
      readonly host?: string;
      readonly port: number;
      readonly path: string;
      readonly tls: boolean;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly sort: "tcp"; readonly host?: string; readonly port: number }
  | { readonly sort: "grpc"; readonly port: number; readonly service: string }
  | { readonly sort: "exec"; readonly command: readonly [string, ...string[]] };

const NAME = "PROXY_CONFIG.readinessProbe";
const USER_AGENT = "istio-probe/1.0";

/** @param value as JSON. @throws XebecError invalid_argument that names the field */
export function readinessProbeOf(value: unknown): ReadinessProbe | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new XebecError("invalid_argument", `${NAME} is not an object`);
  const number = (name: string, fallback: number): number => {
    const given = value[name] ?? 0;
    if (!Number.isInteger(given) || Number(given) < 0)
      throw new XebecError("invalid_argument", `${NAME}.${name}: ${JSON.stringify(given)} is not a number from 0 on`);
    return Number(given) || fallback;
  };
  return {
    initialDelayMs: number("initialDelaySeconds", 0) * 1_000,
    timeoutMs: number("timeoutSeconds", 1) * 1_000,
    periodMs: number("periodSeconds", 10) * 1_000,
    successThreshold: number("successThreshold", 1),
    failureThreshold: number("failureThreshold", 3),
    action: actionOf(value),
  };
}

function actionOf({ httpGet, tcpSocket, grpc, exec }: Readonly<Record<string, unknown>>): ProbeAction {
  if (isObject(httpGet)) {
    const headers = Array.isArray(httpGet.httpHeaders) ? httpGet.httpHeaders.filter(isObject) : [];
    const own = Object.fromEntries(headers.map(({ name, value = "" }) => [String(name), String(value)]));
    const isNamed = Object.keys(own).some((name) => name.toLowerCase() === "user-agent");
    const path = String(httpGet.path ?? "/");
    return {
      ...{ sort: "http", port: portOf(httpGet.port, `${NAME}.httpGet.port`), ...hostOf(httpGet.host) },
      path: path.startsWith("/") ? path : `/${path}`,
      tls: String(httpGet.scheme ?? "").toLowerCase() === "https",
      headers: isNamed ? own : { ...own, "user-agent": USER_AGENT },
    };
  }
  if (isObject(tcpSocket))
    return { sort: "tcp", port: portOf(tcpSocket.port, `${NAME}.tcpSocket.port`), ...hostOf(tcpSocket.host) };
  if (isObject(grpc)) {
    const service = typeof grpc.service === "string" ? grpc.service : "";
    return { sort: "grpc", port: portOf(grpc.port, `${NAME}.grpc.port`), service };
  }
  const [program, ...more] = isObject(exec) && Array.isArray(exec.command) ? exec.command.map(String) : [];
  if (program) return { sort: "exec", command: [program, ...more] };
  throw new XebecError("invalid_argument", `${NAME}: one of httpGet, tcpSocket, exec and grpc is needed`);
}

function hostOf(host: unknown): { readonly host?: string } {
  return typeof host === "string" && host !== "" ? { host } : {};
}
