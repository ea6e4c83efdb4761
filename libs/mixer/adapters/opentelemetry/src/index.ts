export { createAdapter } from "./opentelemetry.ts";
