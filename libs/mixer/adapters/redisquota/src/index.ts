export { createAdapter } from "./redisquota.ts";
