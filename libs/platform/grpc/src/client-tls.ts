import { rootCertificates } from "node:tls";
import { type ChannelCredentials, experimental } from "@grpc/grpc-js";
import { checkServer } from "./server-identity.ts";
import type { TlsMaterial } from "./tls-source.ts";

/** What a client proves and whom it trusts. The key pair may change while it is used. */
export interface ClientTls {
  /** Certificate and key are absent for a client without certificate. */
  current(): Partial<TlsMaterial>;
  onChange(changed: () => void): () => void;
  /** SPIFFE URIs and DNS names, one of which the server must hold. Absent: its certificate must name the address that was dialled. */
  readonly serverIdentities?: readonly string[];
}

/**
 * Credentials that follow the source: a new connection takes what is current then.
 * @param host the address that was dialled, which the server's certificate must name
 */
export function clientCredentials(tls: ClientTls, host: string): ChannelCredentials {
  const ca = follow(tls, () => ({ caCertificate: Buffer.from(tls.current().ca ?? rootCertificates.join("\n")) }));
  const pair = follow(tls, () => {
    const { cert, key } = tls.current();
    return cert !== undefined && key !== undefined
      ? { certificate: Buffer.from(cert), privateKey: Buffer.from(key) }
      : null;
  });
  const none = { add: () => undefined, remove: () => undefined };
  const provider = (
    roots: typeof ca | typeof none,
    keys: typeof pair | typeof none,
  ): experimental.CertificateProvider => ({
    addCaCertificateListener: (listener) => (roots as typeof ca).add(listener),
    removeCaCertificateListener: (listener) => (roots as typeof ca).remove(listener),
    addIdentityCertificateListener: (listener) => (keys as typeof pair).add(listener),
    removeIdentityCertificateListener: (listener) => (keys as typeof pair).remove(listener),
  });
  const { cert } = tls.current();
  return experimental.createCertificateProviderChannelCredentials(
    provider(ca, none),
    cert === undefined ? null : provider(none, pair),
    { checkServerIdentity: (_name, certificate) => checkServer(host, certificate, tls.serverIdentities) },
  );
}

function follow<T>(tls: ClientTls, read: () => T) {
  const unwatch = new Map<(update: T) => void, () => void>();
  return {
    add(listener: (update: T) => void): void {
      unwatch.set(
        listener,
        tls.onChange(() => listener(read())),
      );
      process.nextTick(() => {
        if (unwatch.has(listener)) listener(read());
      });
    },
    remove(listener: (update: T) => void): void {
      unwatch.get(listener)?.();
      unwatch.delete(listener);
    },
  };
}
