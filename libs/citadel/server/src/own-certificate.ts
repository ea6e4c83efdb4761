import { watchClock } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { generateKey, parseCertificate, privateKeyPem, publicKeyDer, type SubjectNames } from "@xebec/model-pki";
import {
  type ClientCertificate,
  createTlsSource,
  type RotatingTls,
  type TlsMaterial,
  type TlsSource,
} from "@xebec/platform-grpc";
import type { AuthoritySource } from "./authority-source.ts";

const log = logger("ca");
const LOOK_MS = 1_000;

export interface OwnCertificateOptions {
  readonly source: AuthoritySource;
  readonly names: Partial<SubjectNames>;
}

/**
 * Citadel's own server certificate, signed by its own authority and renewed at half of its lifetime, when the roots change, or
 * when the clock was set.
 * Clients may show a certificate; one with a revoked serial number is refused.
 */
export function createOwnCertificate({ source, names }: OwnCertificateOptions): Component & TlsSource {
  let tls: RotatingTls | undefined;
  let renewAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const unwatch: (() => void)[] = [];
  const listeners = new Set<() => void>();
  const issue = (): TlsMaterial => {
    const now = Date.now();
    const authority = source.authority();
    const key = generateKey("P-256");
    const { leaf, intermediates, roots } = authority.issue({ names, publicKey: publicKeyDer(key), ttlMs: 0 }, now);
    renewAt = now + (parseCertificate(leaf).notAfter - now) / 2;
    return { cert: [leaf, ...intermediates].join(""), key: privateKeyPem(key), ca: roots };
  };
  const renew = (): void => {
    try {
      tls?.update(issue());
      for (const changed of [...listeners]) changed();
    } catch (error) {
      log.error({ err: error }, "citadel's own certificate could not be renewed");
    }
  };
  return {
    name: "citadel's certificate",
    async start() {
      tls = createTlsSource(issue());
      unwatch.push(source.onChange(renew), watchClock(renew));
      timer = setInterval(() => {
        if (Date.now() >= renewAt) renew();
      }, LOOK_MS);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      for (const each of unwatch) each();
    },
    current() {
      tls ??= createTlsSource(issue());
      return tls.current();
    },
    onChange(changed) {
      listeners.add(changed);
      return () => {
        listeners.delete(changed);
      };
    },
    acceptsClient: ({ serialNumber }: ClientCertificate) => !source.isRevoked(serialNumber),
  };
}
