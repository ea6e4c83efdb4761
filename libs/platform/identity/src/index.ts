export { type Authenticator, type AuthenticatorOptions, createAuthenticator } from "./authenticate.ts";
export { fileTls } from "./file-tls.ts";
export type { StoredIdentity } from "./identity-store.ts";
export { noIdentity } from "./no-identity.ts";
export { renewTokens } from "./renew-tokens.ts";
export { type CertificateOrder, requestCertificate } from "./request-certificate.ts";
export { type IdentityFlags, serviceIdentity } from "./service-identity.ts";
export { loadOrCreateTokenKey } from "./token-key.ts";
export { createWorkloadIdentity, type WorkloadIdentity, type WorkloadIdentityOptions } from "./workload-identity.ts";
