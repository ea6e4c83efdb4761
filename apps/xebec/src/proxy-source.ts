import { XebecError } from "@xebec/core-errors";
import { httpCall } from "@xebec/platform-http/call";
import type { MeshStatus } from "@xebec/platform-local";
import { readText } from "./config-files.ts";
import { callSupervisor } from "./control.ts";
import { runDirectory } from "./paths.ts";

const TIMEOUT_MS = 10_000;
/** With the endpoints of a large mesh. */
const MAX_BYTES = 1 << 30;
const PILOT_HTTP_PORT = 8080;

/** The admin interface of a pod's Envoy. */
export interface ProxyAdmin {
  /** `POD.NAMESPACE`, as `proxy-status` writes it. */
  readonly proxy: string;
  readonly host: string;
  readonly port: number;
}

/** Finds the admin interface of a pod's proxy. @throws XebecError not_found */
export function findProxy(pod: string): Promise<ProxyAdmin> {
  return callSupervisor<ProxyAdmin>(runDirectory(), "GET", `/proxy-admin/${encodeURIComponent(pod)}`);
}

/**
 * Asks Envoy's admin interface.
 * @returns the body
 * @throws XebecError unavailable when it does not answer with 200
 */
export async function askEnvoy(admin: ProxyAdmin, path: string, method: "GET" | "POST" = "GET"): Promise<string> {
  const { status, body } = await httpCall(admin, path, { method, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  if (status === 200) return body;
  throw new XebecError("unavailable", `Envoy of ${admin.proxy} answers ${path} with ${status}: ${body.trim()}`);
}

/** Envoy's configuration with endpoints: of a pod, or from a file that holds such a dump; `-` is standard input. */
export async function configDumpOf(pod: string | undefined, file: string | undefined): Promise<string> {
  if (file !== undefined) return readText(file === "-" ? 0 : file);
  return askEnvoy(await findProxy(required(pod)), "/config_dump?include_eds");
}

/** What pilot has sent to a proxy last, as a configuration dump. */
export function pilotDumpOf({ proxy }: ProxyAdmin): Promise<string> {
  return askPilot(`/debug/config_dump?proxyID=${encodeURIComponent(proxy)}`);
}

/** Asks a debug page of pilot. @returns the body @throws XebecError unavailable when it does not answer with 200 */
export async function askPilot(path: string): Promise<string> {
  const { processes } = await callSupervisor<MeshStatus>(runDirectory(), "GET", "/status");
  const pilot = processes.find(({ name }) => name === "pilot");
  const host = pilot?.addresses[0] ?? processes.find(({ name }) => name === "istiod")?.addresses[1];
  if (host === undefined) throw new XebecError("unavailable", "no pilot runs here");
  const { status, body } = await httpCall({ host, port: PILOT_HTTP_PORT }, path, {
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  if (status === 200) return body;
  throw new XebecError("unavailable", `pilot answers ${path} with ${status}: ${body.trim()}`);
}

/** @throws XebecError invalid_argument when the command names no pod */
export function required(pod: string | undefined): string {
  if (pod !== undefined) return pod;
  throw new XebecError("invalid_argument", 'name a pod, such as productpage-v1, or a dump with "--file"');
}
