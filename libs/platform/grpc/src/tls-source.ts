/** Certificate, private key and trusted roots, each PEM text. */
export interface TlsMaterial {
  /** The own certificate, followed by its intermediates. */
  readonly cert: string;
  readonly key: string;
  /** Roots that the peer's certificate must lead to; absent: the system's roots. */
  readonly ca?: string;
  /** True: it stands where no certificate has come yet, and nobody trusts it. */
  readonly isThrowAway?: true;
}

/** What a server knows of the certificate that a client proved to hold. */
export interface ClientCertificate {
  /** The SPIFFE URI, when the certificate names exactly one. */
  readonly identity: string | undefined;
  /** Serial number in upper-case hexadecimal. */
  readonly serialNumber: string;
  /**
   * Its end, milliseconds since 1970. The handshake made sure that it was valid; a connection lives on after it, so that a stream
   * does not break when its client has taken another certificate. Whoever grants something lasting looks at it for each call.
   */
  readonly notAfter: number;
}

/** A key pair that may change while it is used. New connections take the new one; those that are open stay open. */
export interface TlsSource {
  current(): TlsMaterial;
  /** Calls `changed` after each change. @returns ends the calls */
  onChange(changed: () => void): () => void;
  /** True: a connection without a certificate that leads to `ca` is refused. False: it is accepted without identity. */
  readonly requireClientCertificate?: boolean;
  /** Asked once per connection after the chain was verified, for example against revoked serial numbers. */
  acceptsClient?(certificate: ClientCertificate): boolean;
}

/** A source that its owner changes by hand. */
export interface RotatingTls extends TlsSource {
  update(next: TlsMaterial): void;
}

/** Makes a source from texts; `update` rotates it. */
export function createTlsSource(
  initial: TlsMaterial,
  options: Pick<TlsSource, "requireClientCertificate" | "acceptsClient"> = {},
): RotatingTls {
  const listeners = new Set<() => void>();
  let current = initial;
  return {
    ...options,
    current: () => current,
    onChange(changed) {
      listeners.add(changed);
      return () => {
        listeners.delete(changed);
      };
    },
    update(next) {
      current = next;
      for (const changed of [...listeners]) changed();
    },
  };
}

/** The same key pair for a server that refuses some of the clients that it would accept, for example revoked ones. */
export function refusing(source: TlsSource, refuses: (certificate: ClientCertificate) => boolean): TlsSource {
  const { requireClientCertificate } = source;
  return {
    current: () => source.current(),
    onChange: (changed) => source.onChange(changed),
    ...(requireClientCertificate === undefined ? {} : { requireClientCertificate }),
    acceptsClient: (certificate) => !refuses(certificate) && source.acceptsClient?.(certificate) !== false,
  };
}
