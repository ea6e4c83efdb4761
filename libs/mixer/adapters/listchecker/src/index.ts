export { createAdapter } from "./listchecker.ts";
