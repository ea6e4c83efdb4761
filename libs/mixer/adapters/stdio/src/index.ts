export { createAdapter } from "./stdio.ts";
