import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { parseProxyConfig, portOf } from "./proxy-config.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where the proxy of this pod answers, as the commands beside `proxy` find it. */
export interface PodPorts {
  readonly host: string;
  readonly adminPort: number;
  /** Envoy's own readiness, 15021. */
  readonly readyPort: number;
}

/** Reads what the pod's variables say of it. @throws XebecError invalid_argument that names the variable */
export function podPorts(variables: Env): PodPorts {
  const { proxyMetadata, proxyAdminPort } = parseProxyConfig(variables.PROXY_CONFIG ?? "");
  const env: Env = { ...proxyMetadata, ...variables };
  const shared = env.ISTIO_META_INTERCEPTION_MODE === "NONE" && env.INSTANCE_IP;
  return {
    host: shared || "127.0.0.1",
    adminPort: env.PROXY_ADMIN_PORT ? portOf(env.PROXY_ADMIN_PORT, "PROXY_ADMIN_PORT") : proxyAdminPort,
    readyPort: portOf(env.ENVOY_STATUS_PORT || 15_021, "ENVOY_STATUS_PORT"),
  };
}

export interface RequestCommand {
  readonly method: string;
  readonly path: string;
  readonly port: number;
}

/**
 * Reads `request [--debug-port PORT] METHOD PATH`, flags anywhere; Istio's preStop hook is `request --debug-port=15020 POST drain`.
 * @throws XebecError invalid_argument
 */
export function parseRequestCommand(args: readonly string[], { adminPort }: PodPorts): RequestCommand {
  const { flags, rest } = split(args, ["debug-port"]);
  const [method = "", path = ""] = rest;
  const port = flags.get("debug-port");
  return { method, path, port: port === undefined ? adminPort : portOf(port, "--debug-port") };
}

export interface WaitCommand {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly periodMs: number;
}

/**
 * Reads `wait [SECONDS] [--timeoutSeconds N] [--requestTimeoutMillis N] [--periodMillis N] [--url URL]`. The time may be a number of
 * seconds or a duration, `5s`.
 * @throws XebecError invalid_argument
 */
export function parseWaitCommand(args: readonly string[], { host, readyPort }: PodPorts): WaitCommand {
  const { flags, rest } = split(args, ["timeoutSeconds", "requestTimeoutMillis", "periodMillis", "url"]);
  const text = flags.get("url") ?? `http://${host.includes(":") ? `[${host}]` : host}:${readyPort}/healthz/ready`;
  const url = URL.parse(text);
  if (url?.protocol !== "http:") throw new XebecError("invalid_argument", `--url: "${text}" is not an http:// URL`);
  const millis = (flag: string, fallback: number): number => positive(Number(flags.get(flag) ?? fallback), `--${flag}`);
  return {
    url,
    timeoutMs: timeOf(flags.get("timeoutSeconds") ?? rest[0] ?? "60"),
    requestTimeoutMs: millis("requestTimeoutMillis", 500),
    periodMs: millis("periodMillis", 500),
  };
}

function timeOf(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
  return positive(ms ?? Number.NaN, `"${text}": the time to wait`);
}

function positive(value: number, what: string): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new XebecError("invalid_argument", `${what} is not above 0; write for example 60, or 60s`);
}

function split(args: readonly string[], known: readonly string[]) {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const text = args[i] as string;
    const [, name, inline] = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined) {
      rest.push(text);
      continue;
    }
    const value = inline ?? args[++i];
    if (!known.includes(name))
      throw new XebecError("invalid_argument", `--${name}: no such flag; there are --${known.join(", --")}`);
    if (value === undefined) throw new XebecError("invalid_argument", `--${name}: needs a value`);
    flags.set(name, value);
  }
  return { flags, rest };
}
