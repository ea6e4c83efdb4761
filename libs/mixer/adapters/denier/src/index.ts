export { createAdapter } from "./denier.ts";
