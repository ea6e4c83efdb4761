import { IstioCAService } from "@xebec/api-mesh/istio/v1/auth/ca_service";
import { IstioCertificateService } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import type { Issued } from "@xebec/citadel-ca";
import { XebecError } from "@xebec/core-errors";
import type { Metrics } from "@xebec/core-metrics";
import type { Identity } from "@xebec/model-names";
import { type CertificateRequest, parseCsr } from "@xebec/model-pki";
import { type CallContext, type GrpcService, joinServices, service } from "@xebec/platform-grpc";
import type { Authenticator } from "@xebec/platform-identity";
import type { TokenReviewer } from "@xebec/platform-kube";
import type { AuthoritySource } from "./authority-source.ts";
import { grantedNames } from "./granted-names.ts";

/** Longest certificate request, in characters: RSA 4096 with many names stays below. */
const LONGEST_CSR = 16 << 10;
const MINUTE_MS = 60_000;

export interface CertificateServiceOptions {
  readonly source: AuthoritySource;
  readonly authenticate: Authenticator;
  /** In a cluster: finds out whom a token belongs to that `authenticate` does not take. */
  readonly reviewToken?: TokenReviewer | undefined;
  /** The namespace of the control plane. */
  readonly namespace: string;
  readonly metrics: Metrics;
}

/**
 * Citadel's two services (docs/reference/platform.md §1.1). Both sign the identity that was authenticated, whatever
 * names the request holds; a lifetime above the maximum is granted as the maximum.
 */
export function certificateServices({
  source,
  authenticate,
  reviewToken,
  namespace,
  metrics,
}: CertificateServiceOptions): GrpcService {
  const count = (name: string, help: string) => metrics.counter(`citadel_server_${name}`, help);
  const requests = count("csr_count", "Certificate requests received.");
  const refused = count("authentication_failure_count", "Requests whose caller could not be authenticated.");
  const unreadable = count("csr_parsing_err_count", "Requests that could not be read.");
  const nameless = count("id_extraction_err_count", "Legacy requests without any name.");
  const successes = count("success_cert_issuance_count", "Certificates issued.");
  const failures = metrics.counter("citadel_server_csr_sign_err_count", "Certificates that could not be signed.", [
    "error",
  ]);

  const identify = (call: CallContext): Identity | Promise<Identity> => {
    requests.inc();
    try {
      return authenticate(call);
    } catch (error) {
      const token = /^Bearer (.+)$/.exec(call.metadata("authorization") ?? "")?.[1];
      if (reviewToken && token)
        return reviewToken(token).catch((reason: unknown) => {
          refused.inc();
          const { code, message } = XebecError.from(reason);
          if (code !== "unauthenticated") throw reason;
          throw new XebecError("unauthenticated", `request authenticate failure: ${message}`, { cause: error });
        });
      refused.inc();
      throw error;
    }
  };
  const read = (pem: string): CertificateRequest => {
    try {
      if (pem.length > LONGEST_CSR)
        throw new XebecError("invalid_argument", `the request is longer than ${LONGEST_CSR} characters`);
      return parseCsr(pem);
    } catch (error) {
      unreadable.inc();
      throw new XebecError("invalid_argument", `CSR signing error (${XebecError.from(error).message})`, {
        cause: error,
      });
    }
  };
  const sign = (caller: Identity, { publicKey, names }: CertificateRequest, ttlMs: number): Issued => {
    try {
      const granted = grantedNames(caller, names, namespace);
      const issued = source.authority().issue({ names: granted, publicKey, ttlMs }, Date.now());
      successes.inc();
      return issued;
    } catch (error) {
      const { code, message } = XebecError.from(error);
      failures.inc({ error: code });
      throw new XebecError("internal", `CSR signing error (${message})`, { cause: error });
    }
  };

  return joinServices([
    service(IstioCertificateService, {
      createCertificate({ csr, validityDuration }, call) {
        return after(identify(call), (caller) => {
          const { leaf, intermediates, roots } = sign(caller, read(csr), Number(validityDuration) * 1_000);
          return { certChain: [leaf, ...intermediates, roots] };
        });
      },
    }),
    service(IstioCAService, {
      handleCSR({ csrPem, requestedTtlMinutes }, call) {
        return after(identify(call), (caller) => {
          const request = read(Buffer.from(csrPem).toString("latin1"));
          const { uris, dns, ips } = request.names;
          if (uris.length + dns.length + ips.length === 0) {
            nameless.inc();
            throw new XebecError("invalid_argument", "CSR identity extraction error (the request holds no name)");
          }
          const { leaf, intermediates } = sign(caller, request, requestedTtlMinutes * MINUTE_MS);
          return { isApproved: true, signedCert: Buffer.from(leaf), certChain: Buffer.from(intermediates.join("")) };
        });
      },
    }),
  ]);
}

/** Goes on at once where the caller is known at once: a promise for each certificate would cost. */
function after<T>(caller: Identity | Promise<Identity>, next: (caller: Identity) => T): T | Promise<T> {
  return caller instanceof Promise ? caller.then(next) : next(caller);
}
