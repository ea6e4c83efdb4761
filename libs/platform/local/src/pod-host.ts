import type { AddressPlan } from "./address-plan.ts";
import type { InjectorAddress } from "./injection.ts";
import type { ClusterObject, ConfigData, KubeService } from "./manifest-objects.ts";
import { rootCertificate } from "./mesh-files.ts";
import type { IssueToken } from "./pod-tokens.ts";

const ROOT_CONFIG_MAP = "istio-ca-root-cert";
/** Statistics that users look at on a laptop, beside those that Istio keeps by default. */
const MESH_STATS = ["cluster.outbound", "cluster.inbound", "listener", "http."];

/** What pods share with each other and the supervisor. */
export interface PodHost {
  readonly plan: AddressPlan;
  readonly root: string;
  readonly runDir: string;
  readonly runId: string;
  readonly injector: InjectorAddress;
  readonly issueToken: IssueToken;
  /** Environment of every process: PATH, where Envoy is, compile cache. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Citadel, `HOST:PORT`. */
  readonly caAddress: string;
  /** Pilot, `HOST:PORT`. */
  readonly discoveryAddress: string;
  /** ProxyConfig of every proxy where its pod says nothing else (annotation `proxy.istio.io/config`). */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
  data(kind: "ConfigMap" | "Secret", namespace: string, name: string): ConfigData | undefined;
  services(namespace: string): readonly KubeService[];
  /** Called when something of the state file changed. @returns when it is written */
  stateChanged(): Promise<void>;
  /** Called when readiness changed: the records have to be published. */
  recordsChanged(): void;
  /** Resolves when every proxy has taken what is published now, or when it cannot be waited for any longer. */
  withdrawn(): Promise<void>;
}

export interface PodHostOptions
  extends Pick<PodHost, "root" | "runDir" | "runId" | "baseEnv" | "stateChanged" | "recordsChanged" | "withdrawn"> {
  readonly plan: AddressPlan;
  readonly issueToken: IssueToken;
  /** The objects of the manifests by `KIND/NAMESPACE/NAME`. */
  readonly objects: () => ReadonlyMap<string, ClusterObject>;
}

/** What the pods of a mesh need from it: addresses, the injector, tokens, configuration data, services. */
export function createPodHost({ objects, ...options }: PodHostOptions): PodHost {
  const { plan, runDir } = options;
  let root = "";
  return {
    ...options,
    injector: {
      host: plan.service("sidecar-injector"),
      port: 15017,
      serverName: "istio-sidecar-injector.istio-system.svc",
      ca: () => rootCertificate(runDir),
    },
    caAddress: `${plan.service("citadel")}:8060`,
    discoveryAddress: `${plan.service("pilot")}:15012`,
    proxyConfig: { terminationDrainDuration: "1s", proxyStatsMatcher: { inclusionPrefixes: MESH_STATS } },
    data: (kind, namespace, name) => {
      if (kind === "ConfigMap" && name === ROOT_CONFIG_MAP) {
        root = rootCertificate(runDir) ?? root;
        if (!root) return undefined;
        return {
          kind,
          metadata: { name, namespace, labels: {}, annotations: {} },
          data: { "root-cert.pem": root },
        } satisfies ConfigData;
      }
      const found = objects().get(`${kind}/${namespace}/${name}`);
      return found?.kind === "ConfigMap" || found?.kind === "Secret" ? found : undefined;
    },
    services: (namespace) =>
      [...objects().values()].filter(
        (each): each is KubeService => each.kind === "Service" && each.metadata.namespace === namespace,
      ),
  };
}
