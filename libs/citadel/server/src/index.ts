export { type BusSecrets, ensureBusSecrets } from "./bus-secrets.ts";
export { type CitadelParts, citadelComponents } from "./citadel.ts";
export { CitadelConfig, type CitadelFlags, isOnKubernetes } from "./config.ts";
export { TRUST_KEY, type TrustRecord } from "./trust-publisher.ts";
