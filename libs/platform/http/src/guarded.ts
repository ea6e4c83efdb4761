export { type AddressPolicy, createAddressPolicy, networkSyntaxError } from "./address-policy.ts";
export { type GuardedGetOptions, guardedGet } from "./guarded-get.ts";
