import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import type { SdsSecretConfigSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import type { ProxyClass } from "../scope/proxy-class.ts";

export type SdsSecret = MessageInitShape<typeof SdsSecretConfigSchema>;

/**
 * How long a listener or a cluster waits for a secret that users name and that is not there. In milliseconds. After that it goes on
 * without: connections that need the secret fail, and all else on the same port is served.
 */
const MISSING_SECRET_MS = 2_000;

/**
 * A secret from the agent beside the proxy, over the bootstrap cluster `sds-grpc`.
 * @param waitMs how long to wait for it; 0 for ever: a listener without the workload's own certificate must not open
 */
export function agentSecret(name: string, waitMs = 0): SdsSecret {
  const sdsConfig: MessageInitShape<typeof ConfigSourceSchema> = {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: durationOf(waitMs),
    configSourceSpecifier: {
      case: "apiConfigSource",
      value: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: "sds-grpc" } } }],
      },
    },
  };
  return { name, sdsConfig };
}

/** A secret from pilot, over ADS: one of Kubernetes' Secrets. @param name the name of the resource (`credentialResource`) */
export function pilotSecret(name: string): SdsSecret {
  return {
    name,
    sdsConfig: {
      resourceApiVersion: ApiVersion.V3,
      initialFetchTimeout: durationOf(MISSING_SECRET_MS),
      configSourceSpecifier: { case: "ads", value: {} },
    },
  };
}

/** The agent's secret with a certificate chain and a key from files of the pod; the agent reads them again when they change. */
export function filePair(certificate: string, key: string): SdsSecret {
  return agentSecret(`file-cert:${certificate}~${key}`, MISSING_SECRET_MS);
}

/** The agent's secret with authorities from a file of the pod. @param path `system` for those that the machine trusts */
export function fileRoots(path: string): SdsSecret {
  return agentSecret(`file-root:${path}`, MISSING_SECRET_MS);
}

/**
 * The agent's secret with authorities and a list of revoked certificates from a file of the pod, both of which are read again.
 * @param roots a file with the authorities, `system`, or `ROOTCA` for those of the mesh
 * @returns undefined where no agent of ours is beside the proxies: Envoy then reads the list with the listener or cluster, and again
 * when the authorities change, as with Istio
 */
export function revocableRoots(
  { modules }: Pick<ProxyClass, "modules">,
  crl: string | undefined,
  roots: string,
): SdsSecret | undefined {
  if (!crl || crl.includes("~") || modules !== "agent") return undefined;
  return agentSecret(`file-crl:${crl}~${roots}`, MISSING_SECRET_MS);
}
