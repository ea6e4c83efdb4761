export { createAdapter } from "./stackdriver.ts";
