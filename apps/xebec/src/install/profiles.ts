import type { Tree } from "./set-flag.ts";

/** What a profile installs. */
export interface Profile {
  readonly summary: string;
  /** The profile of the chart of the control plane. */
  readonly chartProfile: string;
  readonly gateways: readonly ("ingress" | "egress")[];
  /** Values of the chart of addons; undefined: none are installed. */
  readonly addons?: Tree;
  /** Nothing but the definitions. */
  readonly empty?: true;
}

/** The profiles by Istio's names, and one of our own for what must not stop. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  default: { summary: "all components, and an ingress gateway", chartProfile: "default", gateways: ["ingress"] },
  demo: {
    summary: "everything small, with both gateways, Prometheus, Grafana and Jaeger; all requests are traced and logged",
    chartProfile: "demo",
    gateways: ["ingress", "egress"],
    addons: { prometheus: { enabled: true }, grafana: { enabled: true }, tracing: { enabled: true } },
  },
  minimal: { summary: "pilot alone, which reads the API server itself", chartProfile: "minimal", gateways: [] },
  remote: {
    summary: "injection and certificates, for proxies that another cluster's control plane serves",
    chartProfile: "remote",
    gateways: [],
  },
  ha: { summary: "two of everything and three servers of the bus", chartProfile: "ha", gateways: ["ingress"] },
  istiod: {
    summary: "all services in one process, without a bus, and an ingress gateway",
    chartProfile: "istiod",
    gateways: ["ingress"],
  },
  empty: { summary: "the definitions of the kinds, nothing else", chartProfile: "default", gateways: [], empty: true },
};

/** @returns undefined when there is no such profile */
export function profileOf(name: string): Profile | undefined {
  return Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
}
