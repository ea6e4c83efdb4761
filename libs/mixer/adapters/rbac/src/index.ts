export { createAdapter } from "./rbac.ts";
