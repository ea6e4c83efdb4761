export { createAdapter } from "./dogstatsd.ts";
