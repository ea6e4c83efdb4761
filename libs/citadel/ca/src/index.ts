export { type Authority, type AuthorityOptions, createAuthority, type Issued, type IssueRequest } from "./authority.ts";
export {
  BACKDATE_MS,
  type CaState,
  type CaStorage,
  createSelfSigned,
  decodeCaState,
  encodeCaState,
  type SelfSignedOptions,
  type SigningCa,
  trustedRoots,
} from "./ca-state.ts";
export { pluggedIn } from "./plugged-in.ts";
export { type RotationPolicy, rotate } from "./rotation.ts";
