export { memquota } from "./memquota.ts";
