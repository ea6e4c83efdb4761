import { defineConfig, loadConfig, option } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import type { AgentEnvironment } from "./agent-environment.ts";
import { parseProxyConfig } from "./proxy-config.ts";
import { portOf } from "./proxy-config-values.ts";

/** Where the proxy of this pod answers, as the commands beside `proxy` find it. */
export interface PodPorts {
  readonly host: string;
  readonly adminPort: number;
  /** Envoy's own readiness, 15021. */
  readonly readyPort: number;
}

/** Reads what the pod's variables say of it. @throws XebecError invalid_argument that names the variable */
export function podPorts(variables: AgentEnvironment): PodPorts {
  const { proxyMetadata, proxyAdminPort } = parseProxyConfig(variables.PROXY_CONFIG ?? "");
  const env: AgentEnvironment = { ...proxyMetadata, ...variables };
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

/** Flags of `pilot-agent request`, with Istio's names. */
const RequestConfig = defineConfig({
  service: "pilot-agent request",
  summary: "asks Envoy's admin interface, or another port of the pod",
  options: { "debug-port": option.port("port to ask instead of Envoy's admin port") },
  positional: ["METHOD", "PATH"],
});

/**
 * Reads `request [--debug-port PORT] METHOD PATH`, flags anywhere; Istio's preStop hook is `request --debug-port=15020 POST drain`.
 * @throws ConfigError with every error
 */
export function parseRequestCommand(args: readonly string[], { adminPort }: PodPorts): RequestCommand {
  const { config, positional } = loadConfig(RequestConfig, args, {});
  const [method = "", path = ""] = positional;
  return { method, path, port: config["debug-port"] ?? adminPort };
}

export interface WaitCommand {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly periodMs: number;
}

/** Flags of `pilot-agent wait`, with Istio's names. */
const WaitConfig = defineConfig({
  service: "pilot-agent wait",
  summary: "returns once the proxy is ready",
  options: {
    timeoutSeconds: option.string("how long to wait: seconds, or a duration as 60s"),
    requestTimeoutMillis: option.number("how long one request may take", 500, { check: isPositive }),
    periodMillis: option.number("pause between two requests", 500, { check: isPositive }),
    url: option.string("http:// URL to ask instead of Envoy's readiness"),
  },
  positional: ["SECONDS"],
});

/**
 * Reads `wait [SECONDS] [--timeoutSeconds N] [--requestTimeoutMillis N] [--periodMillis N] [--url URL]`. The time may be a number of
 * seconds or a duration, `5s`.
 * @throws XebecError invalid_argument
 */
export function parseWaitCommand(args: readonly string[], { host, readyPort }: PodPorts): WaitCommand {
  const { config, positional } = loadConfig(WaitConfig, args, {});
  const text = config.url ?? `http://${host.includes(":") ? `[${host}]` : host}:${readyPort}/healthz/ready`;
  const url = URL.parse(text);
  if (url?.protocol !== "http:") throw new XebecError("invalid_argument", `--url: "${text}" is not an http:// URL`);
  return {
    url,
    timeoutMs: timeOf(config.timeoutSeconds ?? positional[0] ?? "60"),
    requestTimeoutMs: config.requestTimeoutMillis,
    periodMs: config.periodMillis,
  };
}

function timeOf(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : (parseDuration(text) ?? Number.NaN);
  const error = isPositive(ms);
  if (error === undefined) return ms;
  throw new XebecError("invalid_argument", `"${text}": the time to wait ${error}`);
}

function isPositive(value: unknown): string | undefined {
  return Number(value) > 0 && Number.isFinite(value) ? undefined : "is not above 0; write for example 60, or 60s";
}
