export type { AuthoritySource } from "./authority-source.ts";
export { type BusCertificateOptions, createBusCertificate } from "./bus-certificate.ts";
export { type BusSecrets, ensureBusSecrets } from "./bus-secrets.ts";
export { type CitadelParts, citadelComponents, createAuthority } from "./citadel.ts";
export { CitadelConfig, type CitadelFlags, isOnKubernetes } from "./config.ts";
export { OWNER } from "./kubernetes/writer.ts";
export { TRUST_KEY, type TrustRecord } from "./trust-publisher.ts";
