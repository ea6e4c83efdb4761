export { type AddressPolicy, createAddressPolicy, networkFault } from "./address-policy.ts";
export { type GuardedGetOptions, guardedGet } from "./guarded-get.ts";
