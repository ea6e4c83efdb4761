import { createRoot, privateKeyPem } from "@xebec/model-pki";
import type { TlsMaterial } from "@xebec/platform-grpc";

const DAY_MS = 86_400_000;

/** A key pair that nobody trusts, for servers and clients that have no certificate yet. */
export function makePlaceholder(): TlsMaterial {
  const now = Date.now();
  const { certificate, key } = createRoot({
    ...{ keyType: "P-256", organization: "no identity yet" },
    ...{ notBefore: now, notAfter: now + DAY_MS },
  });
  return { cert: certificate, key: privateKeyPem(key), ca: certificate, isThrowAway: true };
}
