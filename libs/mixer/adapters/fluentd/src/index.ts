export { createAdapter } from "./fluentd.ts";
