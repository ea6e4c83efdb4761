export { type CertificateInfo, parseCertificate } from "./certificate.ts";
export { type CertificateRequest, createCsr, parseCsr } from "./csr.ts";
export { createIssuer, createRoot, type Issuer, type LeafTemplate, type RootTemplate, selfSign } from "./issuer.ts";
export { LONGEST_JWKS, readJwks } from "./jwks.ts";
export { generateKey, KEY_TYPES, type KeyType, makeKey, privateKeyPem, publicKeyDer, readPrivateKey } from "./keys.ts";
export { joinCertificates, splitCertificates } from "./pem.ts";
export type { SubjectNames } from "./subject-names.ts";
export { signToken, TOKEN_AUDIENCE, TOKEN_ISSUER, type TokenClaims, type TokenSubject, verifyToken } from "./token.ts";
