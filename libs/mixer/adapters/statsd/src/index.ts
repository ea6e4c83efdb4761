export { createAdapter } from "./statsd.ts";
