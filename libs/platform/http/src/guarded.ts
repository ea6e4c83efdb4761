export { type AddressPolicy, createAddressPolicy, networkSyntaxError } from "./address-policy.ts";
export { type GuardedGetOptions, guardedGet, guardedGetBytes } from "./guarded-get.ts";
