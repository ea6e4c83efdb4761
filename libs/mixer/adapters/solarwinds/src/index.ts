export { createAdapter } from "./solarwinds.ts";
