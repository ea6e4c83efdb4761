export { createAdapter } from "./natsquota.ts";
