export { createAdapter } from "./zipkin.ts";
