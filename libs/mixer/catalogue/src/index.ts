export {
  ADAPTERS,
  type AdapterEntry,
  followAdapters,
  installAdapter,
  isServed,
  loadAdapters,
  moduleOf,
} from "./catalogue.ts";
