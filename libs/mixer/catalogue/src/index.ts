export {
  ADAPTERS,
  type AdapterEntry,
  followAdapters,
  installAdapter,
  isServed,
  loadAdapters,
} from "./catalogue.ts";
