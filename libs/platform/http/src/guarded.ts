export { type AddressPolicy, createAddressPolicy, networkSyntaxError } from "./address-policy.ts";
export { type GuardedAnswer, GuardedClient, type GuardedRequest } from "./guarded-client.ts";
export { type GuardedConnectOptions, guardedConnect } from "./guarded-connect.ts";
export {
  type FetchedAnswer,
  type GuardedGetOptions,
  guardedFetch,
  guardedGet,
  guardedGetBytes,
  guardedLookup,
} from "./guarded-get.ts";
