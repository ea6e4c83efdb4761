export { createAdapter } from "./noop.ts";
