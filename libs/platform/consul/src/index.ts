export { type ConsulCatalog, type ConsulChange, type ConsulOptions, createConsulCatalog } from "./consul-catalog.ts";
export type { ConsulInstance } from "./instance.ts";
