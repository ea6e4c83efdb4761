export { createAdapter } from "./http.ts";
