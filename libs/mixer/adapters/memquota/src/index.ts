export { createAdapter } from "./memquota.ts";
