export { createListchecker, listchecker } from "./listchecker.ts";
