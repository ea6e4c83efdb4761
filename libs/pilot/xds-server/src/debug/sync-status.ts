import type { Connection } from "../connection/connection.ts";

export interface SyncStatus {
  readonly proxy: string;
  readonly proxy_type: string;
  readonly istio_version: string;
  readonly cluster_id: string;
  /** False for a client of the plaintext port: it may be anybody, and what it rejects says nothing of the configuration. */
  readonly authenticated: boolean;
  /** The copy of pilot that it is connected to; absent where that is the one that says so. */
  readonly replica?: string;
  readonly [versions: `${string}_${"sent" | "acked"}`]: string;
  readonly resources: Readonly<Record<string, { sent: string; acked: string; sent_time: string; last_error: string }>>;
}

/** What each proxy was sent and accepted: `/debug/syncz` and the bus request `proxies` (docs/reference/pilot.md §6.4). */
export function syncStatus(connection: Connection): SyncStatus {
  const { proxy } = connection;
  const versions: Record<string, string> = {};
  const resources: Record<string, SyncStatus["resources"][string]> = {};
  for (const { name, typeUrl } of connection.types) {
    const sub = connection.subscriptions.get(name);
    versions[`${name}_sent`] = sub?.nonce ?? "";
    versions[`${name}_acked`] = sub?.ackedNonce ?? "";
    if (sub)
      resources[typeUrl] = {
        sent: sub.nonce,
        acked: sub.ackedNonce,
        sent_time: sub.sentAt ? new Date(sub.sentAt).toISOString() : "",
        last_error: sub.lastError,
      };
  }
  return {
    proxy: `${proxy.pod}.${proxy.namespace}`,
    proxy_type: proxy.type,
    istio_version: proxy.istioVersion,
    cluster_id: connection.clusterId,
    authenticated: connection.authenticated,
    ...versions,
    resources,
  };
}
