export { createAdapter } from "./opa.ts";
