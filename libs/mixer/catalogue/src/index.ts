export { ADAPTERS, type AdapterEntry, loadAdapters } from "./catalogue.ts";
