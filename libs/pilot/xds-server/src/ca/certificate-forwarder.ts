import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { callUnary, type GrpcService, rawUnary } from "@xebec/platform-grpc";

const METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1 << 20;

export interface CertificateForwarderOptions {
  /** Citadel, `HOST:PORT`. */
  readonly caAddress: string;
  /** The roots that citadel is verified by, PEM; read for each call. */
  roots(): string;
}

/**
 * Today's agents ask for certificates and for configuration at one address. Their requests for certificates go on to citadel, with
 * their own token: pilot has no say in who they are.
 */
export function certificateForwarder({ caAddress, roots }: CertificateForwarderOptions): GrpcService {
  return rawUnary(METHOD, (request, call) => {
    const authorization = call.metadata("authorization");
    if (!authorization)
      throw new XebecError(
        "unauthenticated",
        "certificates are asked for with a token in `authorization: Bearer` here; with a client certificate ask citadel itself",
      );
    return callUnary(request, {
      address: parseAddress(caAddress),
      // No certificate of pilot's own: citadel would take it for the caller's.
      tls: { current: () => ({ ca: roots() }) },
      path: METHOD,
      metadata: { authorization },
      ...{ signal: call.signal, timeoutMs: TIMEOUT_MS, maxMessageBytes: MAX_ANSWER_BYTES },
    });
  });
}
