export { denier } from "./denier.ts";
