export { createAdapter } from "./nats.ts";
