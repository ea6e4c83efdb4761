export { type CertificateInfo, parseCertificate } from "./certificate.ts";
export { type Credential, type KeyPair, readCredential, type TrustedRoots, type Usable } from "./credential.ts";
export { type CertificateRequest, createCsr, parseCsr } from "./csr.ts";
export { createIssuer, createRoot, type Issuer, type LeafTemplate, type RootTemplate, selfSign } from "./issuer.ts";
export { LONGEST_JWKS, readJwks } from "./jwks.ts";
export { generateKey, KEY_TYPES, type KeyType, makeKey, privateKeyPem, publicKeyDer, readPrivateKey } from "./keys.ts";
export { joinCertificates, splitCertificates } from "./pem.ts";
export {
  type CredentialKey,
  decodeSecretRecord,
  encodeSecretRecord,
  type SecretKind,
  type SecretRecord,
  secretKey,
  secretRecordOf,
} from "./secret-record.ts";
export type { SubjectNames } from "./subject-names.ts";
export { signToken, TOKEN_AUDIENCE, TOKEN_ISSUER, type TokenClaims, type TokenSubject, verifyToken } from "./token.ts";
