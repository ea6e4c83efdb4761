export { createAdapter } from "./signalfx.ts";
