export { createAdapter } from "./loki.ts";
