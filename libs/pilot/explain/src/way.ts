import type { ConfigDump } from "@xebec/pilot-proxy-config";

/** A proxy with what its Envoy has. */
export interface ProxyView {
  /** `POD.NAMESPACE`. */
  readonly name: string;
  readonly dump: ConfigDump;
  /** Its SPIFFE identity; empty when it has none. */
  readonly identity: string;
  /** The address of its pod. */
  readonly address: string;
}

/** One station of a request's way. */
export interface Step {
  readonly what:
    | "listener"
    | "filter chain"
    | "filter"
    | "route table"
    | "virtual host"
    | "route"
    | "cluster"
    | "endpoints"
    | "TLS"
    | "policy";
  readonly where: "client" | "server";
  readonly name: string;
  readonly detail: string;
}

/** Takes down a station. */
export type Note = (what: Step["what"], name: string, detail?: string) => void;

/** Where a request ends within a proxy. */
export interface Ending {
  readonly status: number;
  readonly reason: string;
}
