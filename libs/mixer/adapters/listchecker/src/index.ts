export { createListchecker } from "./listchecker.ts";
