export { createAdapter } from "./cloudwatch.ts";
