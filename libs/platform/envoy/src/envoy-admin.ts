import type { HostPort } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { httpCall } from "@xebec/platform-http/call";

/** Envoy's admin interface. Every method throws XebecError unavailable while Envoy does not answer. */
export interface EnvoyAdmin {
  readonly address: HostPort;
  get(path: string): Promise<string>;
  post(path: string): Promise<string>;
  /** True once the first configuration is complete. */
  live(): Promise<boolean>;
  /** The node id that it was started with. */
  nodeId(): Promise<string>;
  /** True once clusters and listeners were each accepted, or refused, at least once. */
  configured(): Promise<boolean>;
  /** Connections that clients hold. */
  activeConnections(): Promise<number>;
}

export function createEnvoyAdmin(address: HostPort): EnvoyAdmin {
  const call = async (method: "GET" | "POST", path: string): Promise<string> => {
    const { status, body } = await httpCall(address, path, { method });
    if (status !== 200) throw new XebecError("unavailable", `Envoy's admin interface answered ${path} with ${status}`);
    return body;
  };
  const counters = async (filter: string): Promise<Map<string, number>> => {
    const text = await call("GET", `/stats?filter=${encodeURIComponent(filter)}`);
    return new Map(
      text.split("\n").flatMap((line): [string, number][] => {
        const at = line.lastIndexOf(": ");
        return at > 0 ? [[line.slice(0, at), Number(line.slice(at + 2))]] : [];
      }),
    );
  };
  return {
    address,
    get: (path) => call("GET", path),
    post: (path) => call("POST", path),
    async live() {
      const { status, body } = await httpCall(address, "/ready");
      return status === 200 && body.startsWith("LIVE");
    },
    async nodeId() {
      const info = JSON.parse(await call("GET", "/server_info")) as { node?: { id?: string } };
      return info.node?.id ?? "";
    },
    async configured() {
      const found = await counters("^(cluster_manager.cds|listener_manager.lds).update_(success|rejected)$");
      const any = (what: string): boolean =>
        (found.get(`${what}.update_success`) ?? 0) + (found.get(`${what}.update_rejected`) ?? 0) > 0;
      return any("cluster_manager.cds") && any("listener_manager.lds");
    },
    async activeConnections() {
      const found = await counters("^server.total_connections$");
      return found.get("server.total_connections") ?? 0;
    },
  };
}
