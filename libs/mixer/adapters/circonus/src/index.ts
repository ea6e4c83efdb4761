export { createAdapter } from "./circonus.ts";
