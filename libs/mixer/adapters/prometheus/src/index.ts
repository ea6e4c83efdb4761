export { createAdapter } from "./prometheus.ts";
